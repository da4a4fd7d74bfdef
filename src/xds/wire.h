#pragma once

/*
 * Field numbers of the delta discovery messages
 *
 * envoy.service.discovery.v3.DeltaDiscoveryRequest, DeltaDiscoveryResponse and Resource, and
 * what stands in them: the envelopes are read and written by hand on both sides, since every
 * configuration passes through them.
 */

enum xds_wire {
	REQUEST_NODE = 1,
	REQUEST_TYPE_URL = 2,
	REQUEST_SUBSCRIBE = 3,
	REQUEST_UNSUBSCRIBE = 4,
	REQUEST_INITIAL_VERSIONS = 5, /* map: 1 name, 2 version */
	REQUEST_NONCE = 6,
	REQUEST_ERROR_DETAIL = 7,

	RESPONSE_SYSTEM_VERSION = 1,
	RESPONSE_RESOURCES = 2,
	RESPONSE_TYPE_URL = 4,
	RESPONSE_NONCE = 5,
	RESPONSE_REMOVED = 6,

	RESOURCE_VERSION = 1,
	RESOURCE_ANY = 2,
	RESOURCE_NAME = 3,

	ANY_TYPE_URL = 1,
	ANY_VALUE = 2,

	STATUS_CODE = 1,
	STATUS_MESSAGE = 2,
};
