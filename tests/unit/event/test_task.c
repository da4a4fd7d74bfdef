#include "event_test.h"

#include <pthread.h>

#include "base/mem.h"

#define SENDERS 4
#define TASKS   2000

struct job {
	struct task task;
	struct receiver *receiver;
	int sender;
	int number;
};

struct receiver {
	struct loop *loop;
	int next_of[SENDERS];
	int received;
	int wanted;
	bool complete;
};

static void on_job(struct task *t)
{
	struct job *j = container_of(t, struct job, task);
	struct receiver *r = j->receiver;

	assert_int_equal(j->number, r->next_of[j->sender]++);
	r->complete = ++r->received == r->wanted;
	mem_free(j);
}

static void post_job(struct receiver *r, int sender, int number)
{
	struct job *j = mem_new(struct job);

	j->receiver = r;
	j->sender = sender;
	j->number = number;
	loop_post(r->loop, &j->task, on_job);
}

TEST(tasks_run_in_the_order_they_were_posted)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct receiver r = { .loop = l, .wanted = 3 };

	for (int i = 0; i < 3; i++)
		post_job(&r, 0, i);
	turn(l);
	assert_true(r.complete);
}

static void on_job_post_again(struct task *t)
{
	struct job *j = container_of(t, struct job, task);
	struct receiver *r = j->receiver;

	if (++r->received < r->wanted)
		loop_post(r->loop, t, on_job_post_again);
}

TEST(a_task_posted_by_a_task_runs_in_the_next_turn_without_waiting)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct receiver r = { .loop = l, .wanted = 3 };
	struct job j = { .receiver = &r };

	loop_post(l, &j.task, on_job_post_again);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(loop_turn(l, DURATION_FOREVER), 0);
		assert_int_equal(r.received, i);
	}
	turn(l);
	assert_int_equal(r.received, 3);
}

struct sender {
	pthread_t thread;
	struct receiver *receiver;
	int number;
};

static void *send_jobs(void *argument)
{
	struct sender *s = argument;

	for (int i = 0; i < TASKS; i++)
		post_job(s->receiver, s->number, i);
	return NULL;
}

TEST(tasks_of_several_threads_all_arrive_each_in_its_order)
{
	uint64_t before = mem_live_bytes();
	struct loop *l = test_loop();
	struct receiver r = { .loop = l, .wanted = SENDERS * TASKS };
	struct sender senders[SENDERS];

	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .receiver = &r, .number = i };
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_jobs, &senders[i]),
				 0);
	}
	while (!r.complete)
		assert_int_equal(loop_turn(l, DURATION_FOREVER), 0);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	loop_free(l);
	assert_int_equal(mem_live_bytes(), before);
}

/* Two loops that send one task to and fro: each wake-up must arrive. */
struct ball {
	struct task task;
	struct loop *players[2];
	int throws;
};

static void on_ball(struct task *t)
{
	struct ball *b = container_of(t, struct ball, task);
	struct loop *here = b->players[b->throws % 2];

	b->throws++;
	if (b->throws >= 1000)
		loop_stop(here);
	if (b->throws <= 1000)
		loop_post(b->players[b->throws % 2], t, on_ball);
}

static void *run_loop(void *loop)
{
	assert_int_equal(loop_run(loop), 0);
	return NULL;
}

TEST(two_loops_wake_each_other_every_time)
{
	struct ball b = { .players = { test_loop(), test_loop() } };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run_loop, b.players[1]), 0);
	loop_post(b.players[0], &b.task, on_ball);
	assert_int_equal(loop_run(b.players[0]), 0);
	pthread_join(thread, NULL);
	assert_int_equal(b.throws, 1001);
	loop_free(b.players[0]);
	loop_free(b.players[1]);
}
