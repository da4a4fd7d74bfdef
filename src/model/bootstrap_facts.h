#pragma once

/*
 * Inside bootstrap: what a proxy of the mesh is told about itself
 *
 *	node:
 *	  id: shop/reviews-v1-7
 *	  metadata:
 *	    weft.dev:
 *	      service: reviews
 *	      namespace: shop
 *	      version: v1
 *	      workload: reviews-v1-7
 *	      identity:
 *	        spiffeId: spiffe://weft.local/ns/shop/sa/reviews
 *	        certificateSocket: unix:/run/weft/control.sock
 *	        directory: /run/weft/reviews-v1-7
 *	      bindings: […]    # bootstrap.c
 */

#include "codec/node.h"
#include "model/bootstrap.h"

/* `root` is the tree of the file. Text is copied into the bootstrap's pool. */
must_check int bootstrap_facts_read(struct bootstrap *b, const struct node *root, struct diag *d);
