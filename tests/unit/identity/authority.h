#pragma once

/*
 * An authority in the same process: answers CreateCertificate over connections in memory
 *
 * It certifies what is asked for, or does one of the things that an authority must not.
 */

#include "http/grpc.h"
#include "identity/source.h"
#include "net/memory_conn.h"

#include "../net/certs.h"
#include "../net/peer.h"

#define AUTHORITY_ID "spiffe://weft.local/ns/shop/sa/web"

enum authority_mood {
	AUTHORITY_GRANTS,
	AUTHORITY_REFUSES,        /* PERMISSION_DENIED "not you" */
	AUTHORITY_IS_SILENT,      /* never answers */
	AUTHORITY_HANGS_UP,       /* closes the connection instead of answering */
	AUTHORITY_IS_AWAY,        /* nobody connects */
	AUTHORITY_TALKS_NONSENSE, /* bytes that are no response */
	AUTHORITY_GIVES_LITTLE,   /* a leaf without an anchor */
	AUTHORITY_NAMES_ANOTHER,  /* a certificate of somebody else */
	AUTHORITY_SIGNS_ANOTHER,  /* a certificate for another key */
};

struct authority {
	struct world *world;
	struct test_cert *root;
	enum authority_mood mood;
	int64_t validity_seconds; /* of what it grants */
	struct memory_conn_options transport;

	/* What was asked. */
	uint32_t connections;
	uint32_t requests;
	char *wanted;
	int64_t wanted_seconds;

	/* private */
	struct http_server_conn *open; /* the last one */
	struct grpc_service service;
};

void authority_init(struct authority *a, struct world *w);
void authority_fini(struct authority *a);
/* For identity_options.connect, through the test's own user pointer. */
struct conn *authority_connect(struct authority *a);
/* A leaf that it would have given at that time, for mem_free()s of test_cert_free(). */
struct test_cert *authority_leaf(struct authority *a, const char *id, void *key);
