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
 *	      bindings:
 *	      - listener: ratings.shop.svc.weft.local:9080
 *	        address: 127.77.1.2:9080
 *	        descriptor: upstream-1
 */

#include "codec/node.h"
#include "model/bootstrap.h"

/* `root` is the tree of the file. Text is copied into the bootstrap's pool. Behind what says
 * how the control plane is reached: bindings need one. */
must_check int bootstrap_facts_read(struct bootstrap *b, const struct node *root, struct diag *d);
