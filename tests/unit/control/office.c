#include "office.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/memory_conn.h"
#include "net/socket_conn.h"
#include "net/tls.h"

#include "test.h"

#define TURNS 16

static const struct mesh_config *mesh_now(unused_arg void *user)
{
	return mesh_config_default();
}

static void on_create(struct grpc_call *call, struct str request)
{
	struct office *o = grpc_call_service_user(call);

	certificates_serve(&o->certificates, call, request);
}

static const struct grpc_method methods[] = {
	{
		.path = STR_INIT(CERTIFICATES_PATH),
		.on_unary = on_create,
		.message_bytes_max = CERTIFICATES_REQUEST_BYTES,
	},
};

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct office *o = http_server_conn_user(http_server_conn_of(s));

	grpc_serve_take(&o->service, s, h, end);
}

static void on_stream_closed(unused_arg struct stream *s, unused_arg enum stream_reset reason)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_closed = on_stream_closed,
};

static void on_stream(unused_arg struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
}

static void on_closed(struct http_server_conn *hc)
{
	struct office *o = http_server_conn_user(hc);

	o->open--;
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_closed,
};

static const struct http_server_options server_options = { .codec = HTTP_CODEC_HTTP2 };

static void take(struct office *o, struct conn *c)
{
	o->open++;
	http_server_conn_open_take(c, &server_options, &server_handler, o);
}

/* TLS: when the handshake is done. */
static void on_open(struct conn *c)
{
	take(c->user, c);
}

static void on_refused(unused_arg struct conn *c)
{
}

static const struct conn_handler handshake_handler = {
	.on_open = on_open,
	.on_closed = on_refused,
};

void office_serve_take(struct office *o, struct conn *c)
{
	if (c->state == CONN_OPEN) {
		take(o, c);
		return;
	}
	c->handler = &handshake_handler;
	c->user = o;
}

static struct conn *conn_of(struct office *o, int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return socket_conn_new_take(o->world.loop, &o->world.chunks, fd, NULL, NULL);
}

struct conn *office_connect_unix(struct office *o)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	office_serve_take(o, conn_of(o, fds[0]));
	return conn_of(o, fds[1]);
}

struct conn *office_connect_memory(struct office *o)
{
	struct conn *near, *far;

	memory_conn_pair(o->world.loop, &o->world.chunks, NULL, &near, &far);
	office_serve_take(o, far);
	return near;
}

struct conn *office_connect_tls(struct office *o, struct tls_context *server,
				struct tls_context *client)
{
	struct conn *near, *far;

	memory_conn_pair(o->world.loop, &o->world.chunks, NULL, &near, &far);
	office_serve_take(o, tls_conn_new_take(far, &(struct tls_conn_options){ .context = server },
					       &handshake_handler));
	return tls_conn_new_take(near, &(struct tls_conn_options){ .context = client }, NULL);
}

void office_turn(struct office *o)
{
	world_turn(&o->world, TURNS);
}

void office_init(struct office *o)
{
	struct ca_options options;

	*o = (struct office){ .service = { methods, array_count(methods), o } };
	world_init(&o->world);
	options = (struct ca_options){ .facts = facts_of(&o->facts) };
	o->certificates = (struct certificates){
		.loop = o->world.loop,
		.mesh_config = mesh_now,
		.own_user = geteuid(),
	};
	assert_int_equal(ca_new(&options, loop_wall_now(o->world.loop), &o->certificates.ca, NULL),
			 0);
}

void office_fini(struct office *o)
{
	office_turn(o);
	assert_int_equal(o->open, 0);
	ca_free(o->certificates.ca);
	facts_fini(&o->facts);
	world_fini(&o->world);
}
