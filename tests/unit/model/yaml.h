#pragma once

/*
 * Pieces of YAML that many tests of listeners and clusters need
 */

#define TYPE(name) "'@type': type.googleapis.com/" name

#define ROUTER \
	"{name: router, typed_config: {" TYPE("envoy.extensions.filters.http.router.v3.Router") "}}"

/* A network filter; `fields` go on in the braces of its configuration. */
#define HCM_TYPE \
	TYPE("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager")
#define HCM_OF(fields) "{name: http, typed_config: {" HCM_TYPE ", " fields "}}"
#define HCM(fields)    HCM_OF("stat_prefix: s, route_config: {}, http_filters: [" ROUTER "]" fields)

#define TCP_TYPE       TYPE("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy")
#define TCP(fields)    "{name: tcp, typed_config: {" TCP_TYPE ", stat_prefix: s, " fields "}}"

#define ADDRESS        "address: {socket_address: {address: 127.0.0.1, port_value: 80}}\n"
