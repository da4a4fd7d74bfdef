#pragma once

/*
 * The tables of the kinds, for kind.c
 */

#include "mesh/field.h"

extern const struct object service_object;
extern const struct object workload_object;
extern const struct object http_route_object;
extern const struct object mesh_config_object;
