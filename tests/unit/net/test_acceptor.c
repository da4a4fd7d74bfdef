#include "net/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fault.h"

#include "calls.h"
#include "test.h"
#include "wire.h"

struct door {
	struct acceptor acceptor;
	struct world world;
	struct address address;
	int listening;
	int accepted;
	bool stop_in_accept;
	bool pause_in_accept;
};

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	struct door *d = container_of(a, struct door, acceptor);

	assert_true(address_is_loopback(peer));
	d->accepted++;
	close(fd);
	if (d->stop_in_accept)
		acceptor_stop(a);
	if (d->pause_in_accept)
		acceptor_pause(a);
}

static void door_init(struct door *d)
{
	*d = (struct door){ 0 };
	world_init(&d->world);
	d->listening = listen_loopback(&d->address);
	assert_int_equal(acceptor_start(d->world.loop, &d->acceptor, d->listening, on_accept), 0);
}

static void door_fini(struct door *d)
{
	acceptor_stop(&d->acceptor);
	close(d->listening);
	world_fini(&d->world);
}

/* Connections that wait in the backlog; they are closed by the test at once. */
static void knock(struct door *d, int count)
{
	for (int i = 0; i < count; i++)
		close(connect_raw(&d->address));
	assert_int_equal(poll(&(struct pollfd){ d->listening, POLLIN, 0 }, 1, 10000), 1);
}

static void until_accepted(struct door *d, int count)
{
	for (int i = 0; i < 1000 && d->accepted < count; i++)
		assert_int_equal(loop_turn(d->world.loop, DURATION_MS(100)), 0);
	assert_int_equal(d->accepted, count);
}

TEST(connections_are_accepted_in_batches_so_that_others_get_their_turn)
{
	struct door d;

	door_init(&d);
	d.acceptor.batch_max = 4;
	knock(&d, 10);
	world_turn(&d.world, 1);
	assert_int_equal(d.accepted, 4);
	world_turn(&d.world, 1);
	assert_int_equal(d.accepted, 8);
	until_accepted(&d, 10);
	assert_int_equal(d.acceptor.accepted, 10);
	knock(&d, 1); /* and the next edge works */
	until_accepted(&d, 11);
	door_fini(&d);
}

TEST(a_paused_door_leaves_connections_in_the_backlog)
{
	struct door d;

	door_init(&d);
	acceptor_pause(&d.acceptor);
	knock(&d, 2);
	world_turn(&d.world, 3);
	assert_int_equal(d.accepted, 0);
	acceptor_resume(&d.acceptor);
	until_accepted(&d, 2);

	d.pause_in_accept = true;
	knock(&d, 2);
	until_accepted(&d, 3);
	world_turn(&d.world, 3);
	assert_int_equal(d.accepted, 3);
	acceptor_resume(&d.acceptor);
	until_accepted(&d, 4);
	door_fini(&d);
}

TEST(a_door_may_be_stopped_while_it_accepts)
{
	struct door d;

	door_init(&d);
	d.stop_in_accept = true;
	knock(&d, 3);
	world_turn(&d.world, 3);
	assert_int_equal(d.accepted, 1);
	door_fini(&d);
}

TEST(without_descriptors_accepting_rests_instead_of_spinning)
{
	struct door d;
	struct rlimit old, none;
	int highest;

	door_init(&d);
	knock(&d, 2);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	highest = dup(d.listening);
	close(highest);
	none = (struct rlimit){ (rlim_t)highest, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

	calls = (struct calls){ 0 };
	world_turn(&d.world, 50);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(calls.accept, 1);
	assert_int_equal(d.acceptor.rests, 1);
	assert_int_equal(d.accepted, 0);

	loop_advance(d.world.loop, DURATION_MS(ACCEPT_REST_MS));
	until_accepted(&d, 2);
	door_fini(&d);
}

TEST(two_loops_share_a_socket_and_each_connection_goes_to_one)
{
	struct door d, second = { 0 };

	door_init(&d);
	world_init(&second.world);
	assert_int_equal(
		acceptor_start(second.world.loop, &second.acceptor, d.listening, on_accept), 0);
	for (int i = 0; i < 20; i++) {
		knock(&d, 1);
		world_turn(&d.world, 1);
		world_turn(&second.world, 1);
	}
	assert_int_equal(d.accepted + second.accepted, 20);
	/* One that pauses leaves all to the other. */
	acceptor_pause(&d.acceptor);
	knock(&d, 5);
	for (int i = 0; i < 100 && d.accepted + second.accepted < 25; i++)
		assert_int_equal(loop_turn(second.world.loop, DURATION_MS(100)), 0);
	assert_int_equal(d.accepted + second.accepted, 25);
	acceptor_stop(&second.acceptor);
	acceptor_stop(&second.acceptor);
	loop_free(second.world.loop);
	chunk_stock_fini(&second.world.chunks);
	door_fini(&d);
}

#ifdef WEFT_FAULTS
TEST(a_connection_lost_in_the_backlog_does_not_stop_the_door)
{
	struct door d;

	door_init(&d);
	knock(&d, 2);
	fault_arm(2, -ECONNABORTED); /* epoll_wait, then accept */
	world_turn(&d.world, 1);
	assert_true(fault_delivered());
	fault_arm(0, 0);
	until_accepted(&d, 2);
	door_fini(&d);
}
#endif
