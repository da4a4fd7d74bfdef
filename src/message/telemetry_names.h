#pragma once

/*
 * Names of what proxies report by OTLP
 *
 * One metric per fact, cumulative; the series is told by the attributes. The proxy writes them
 * (proxy/otlp.c), the control plane reads them (control/telemetry.c), and anybody's collector
 * can take them.
 */

#define TELEMETRY_SCOPE             "weft"

/* Resource attributes. */
#define TELEMETRY_INSTANCE          "service.instance.id" /* NAMESPACE/WORKLOAD: the node id */
#define TELEMETRY_SERVICE_NAME      "service.name"
#define TELEMETRY_SERVICE_NAMESPACE "service.namespace"
#define TELEMETRY_SERVICE_VERSION   "service.version"

/* Sums. */
#define TELEMETRY_REQUESTS          "weft.requests"      /* by all attributes below */
#define TELEMETRY_RETRIES           "weft.retries"       /* by all but class */
#define TELEMETRY_XDS_UNCHANGED     "weft.xds.unchanged" /* resources received unchanged */
/* Histogram in milliseconds over base/histogram.h's bounds, by all but class. */
#define TELEMETRY_DURATION          "weft.request.duration"
/* Gauge: the newest revision that all workers serve. */
#define TELEMETRY_REVISION          "weft.config.revision"

/* Attributes of a series. */
#define TELEMETRY_DIRECTION         "direction" /* inbound, outbound */
#define TELEMETRY_SERVICE           "service"   /* the one that is called */
#define TELEMETRY_NAMESPACE         "namespace"
#define TELEMETRY_VERSION           "version"
#define TELEMETRY_PEER              "peer"  /* inbound: SPIFFE ID of the caller */
#define TELEMETRY_TLS               "tls"   /* none, tls, mutual */
#define TELEMETRY_CLASS             "class" /* none, 1xx, 2xx, 3xx, 4xx, 5xx */

/* The gRPC method that takes them. */
#define TELEMETRY_EXPORT_PATH       "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
