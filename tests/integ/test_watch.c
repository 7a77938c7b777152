/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_watch.c - what watches a soak, on a whole world: it has nothing to say of what
 * bleherd does, and sees what is done past it.
 */
#include "contrib/soak/health.h"
#include "contrib/soak/inject.h"
#include "contrib/soak/links.h"
#include "contrib/soak/observer.h"
#include "contrib/soak/resources.h"
#include "ipc/bleherd.h"
#include "tests/support/churn.h"
#include "tests/support/world.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_watch(void);

enum { LIMIT_US = 90000000, STEP_MS = 5, ANSWER_MS = 20000, ROUNDS = 20 };

static const uint64_t device = 0xc0aabb000001;
static struct world *world;
static unsigned told;
static char said[256];

static void on_violation(void *ctx, const char *promise, int64_t at_us, const char *text)
{
	(void)ctx;
	(void)at_us;
	(void)snprintf(said, sizeof(said), "%s: %s", promise, text);
	told++;
}

static void start(const char *setting)
{
	const char *const options[] = {
		"--adapters", "2", "--devices", "4", setting ? "--set" : NULL, setting, NULL
	};

	told = 0;
	said[0] = '\0';
	ck_assert_int_eq(setenv("BLEHERD_MAY_DIE", "1", 1), 0);
	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

static struct bh_client *dial(void)
{
	struct bh_client *bh;

	ck_assert_int_eq(bh_new(&bh, NULL, "watched"), 0);
	bh_stay(bh, NULL, NULL);
	return bh;
}

/* --- locks --- */

static struct observer *observe(struct claims *claims)
{
	struct observer_settings settings = { .lock_dir = world_env("BLEHERD_LOCK_DIR"),
					      .claims = claims,
					      .violation = on_violation };
	struct observer *observer;

	ck_assert_int_eq(observer_new(&observer, &settings), 0);
	observer_daemon(observer, world_daemon_pid(world));
	return observer;
}

static struct bh_lock *lock_slot(struct bh_client *bh)
{
	static const char *const resources[] = { "connect:hci0" };
	const struct bh_lock_request request = { .resources = resources,
						 .n_resources = 1,
						 .timeout_ms = ANSWER_MS };
	struct bh_answer answer = { 0 };
	struct bh_lock *lock;

	ck_assert_int_eq(bh_lock_acquire_sync(&lock, bh, &request, NULL, NULL, &answer), 0);
	ck_assert_int_eq(answer.error, BH_CLASS_NONE);
	bh_answer_clear(&answer);
	return lock;
}

/* A program that holds a slot until its pipe closes. */
static pid_t start_holder(struct claims *claims, size_t number, int *out_hold)
{
	int hold[2], ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(hold[1]);
		(void)lock_slot(dial());
		(void)!write(ready[1], "x", 1);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	(void)close(hold[0]);
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	*out_hold = hold[1];
	claims_ring(claims, number, CLAIM_LIBRARY, "holder", "connect:hci0")->pid = pid;
	return pid;
}

static void connect_once(struct bh_client *bh, struct bh_session **out)
{
	struct bh_answer answer;

	ck_assert_int_eq(bh_session_open_sync(out, bh, device, "hci0", ANSWER_MS, &answer), 0);
	bh_answer_clear(&answer);
	ck_assert_msg(bh_connect_sync(*out, ANSWER_MS, &answer) == 0, "%s", answer.text);
	bh_answer_clear(&answer);
}

/* A lock of ours, looked at while it is held. */
static void lock_once(struct bh_client *bh, struct observer *observer, struct claim_ring *ring)
{
	int64_t asked_us = churn_now_us();
	struct bh_lock *lock = lock_slot(bh);

	claim_take(ring, churn_now_us());
	observer_look(observer, churn_now_us());
	claim_give(ring, asked_us, churn_now_us(), bh_lock_grant(lock), false);
	(void)bh_lock_release(lock);
}

/* Programs lock, and workers connect: never is one too many. */
START_TEST(locks_as_they_should_be)
{
	struct claims *claims = claims_new();
	struct observer *observer;
	struct claim_ring *ring;
	struct bh_session *session;
	struct bh_client *bh;
	int hold;
	pid_t pid;

	start(NULL);
	bh = dial();
	observer = observe(claims);
	ring = claims_ring(claims, 0, CLAIM_LIBRARY, "us", "connect:hci0");
	ring->pid = getpid();
	for (int i = 0; i < ROUNDS; i++) {
		lock_once(bh, observer, ring);
		connect_once(bh, &session);
		observer_look(observer, churn_now_us());
		(void)bh_session_close(session);
	}
	pid = start_holder(claims, 1, &hold);
	observer_look(observer, churn_now_us());
	(void)close(hold);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_msg(told == 0, "%s", said);
	ck_assert_uint_ge(observer_checked(observer), 3 * ROUNDS);
	(void)bh_free(bh);
	(void)observer_free(observer);
	stop();
}
END_TEST

/* lockd allows two what the observer thinks is for one. */
START_TEST(one_holder_too_many)
{
	struct claims *claims = claims_new();
	struct observer *observer;
	struct bh_lock *lock;
	struct bh_client *bh;
	int hold;
	pid_t pid;

	start("locks.connect=2");
	bh = dial();
	observer = observe(claims);
	claims_ring(claims, 0, CLAIM_LIBRARY, "us", "connect:hci0")->pid = getpid();
	lock = lock_slot(bh);
	observer_look(observer, churn_now_us());
	ck_assert_msg(told == 0, "%s", said);
	pid = start_holder(claims, 1, &hold);
	observer_look(observer, churn_now_us());
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_nonnull(strstr(said, "holders: connect:hci0 is held by 2 of ours"));
	(void)close(hold);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	(void)bh_lock_release(lock);
	(void)bh_free(bh);
	(void)observer_free(observer);
	stop();
}
END_TEST

/* --- links --- */

static const struct picture *next_picture(struct camera *camera, struct bh_client *bh)
{
	int64_t limit_us = churn_now_us() + LIMIT_US;
	const struct picture *picture = NULL;

	while (!picture && churn_now_us() < limit_us) {
		(void)bh_wait(bh, STEP_MS);
		picture = camera_turn(camera, churn_now_us());
	}
	ck_assert_msg(picture != NULL, "no picture");
	return picture;
}

static int link_of(const struct picture *picture)
{
	for (size_t i = 0; i < picture->n_devices; i++)
		if (picture->devices[i].address == device)
			return picture->devices[i].link;
	return -1;
}

/* A link that a session holds is owned; one that was made past bleherd is not. */
START_TEST(links_with_and_without_owner)
{
	const struct links_settings settings = { .margin_ms = 1,
						 .linger_ms = 1,
						 .violation = on_violation };
	const struct picture *picture;
	struct bh_session *session;
	struct camera *camera;
	struct bh_client *bh;
	struct links *links;
	struct run run;

	start(NULL);
	bh = dial();
	ck_assert_int_eq(links_new(&links, &settings), 0);
	ck_assert_int_eq(camera_new(&camera, NULL, NULL), 0);
	connect_once(bh, &session);
	(void)next_picture(camera, bh); /* holds_link is a second late at most */
	for (int i = 0; i < 4; i++) {
		picture = next_picture(camera, bh);
		ck_assert_int_eq(link_of(picture), 0);
		links_look(links, picture, false);
	}
	ck_assert_msg(told == 0, "%s", said);
	ck_assert_uint_eq(links_checked(links), 4);
	(void)bh_session_close(session);
	while (link_of(next_picture(camera, bh)) >= 0)
		;
	run = run_command("busctl --address=$DBUS_SYSTEM_BUS_ADDRESS call org.bluez "
			  "/org/bluez/hci0/dev_C0_AA_BB_00_00_01 org.bluez.Device1 Connect");
	ck_assert_msg(run.status == 0, "%s", run.err);
	run_done(&run);
	for (int i = 0; i < 4 && told == 0; i++)
		links_look(links, next_picture(camera, bh), false);
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_nonnull(strstr(said, "owner: the link to C0:AA:BB:00:00:01 on hci0"));
	camera = camera_free(camera);
	links = links_free(links);
	(void)bh_free(bh);
	stop();
}
END_TEST

/* --- process faults --- */

/* A program that reads, what befell it, and when that was over. */
struct ordeal {
	struct recovery *recovery;
	struct inject *inject;
	struct bh_client *bh;
	struct bh_session *session;
	struct bh_uuid name;
	bool is_open;
	unsigned daemons, faults, ends, deaths;
	int64_t success_us;
};

static void on_daemon(void *ctx, pid_t daemon)
{
	struct ordeal *o = ctx;

	ck_assert_int_gt(daemon, 0);
	o->daemons++;
}

static void on_death(void *ctx, int status)
{
	struct ordeal *o = ctx;

	(void)status;
	o->deaths++;
}

static const char *name_of(void *ctx, unsigned index)
{
	static const char *const NAMES[] = { "hci0", "hci1" };

	(void)ctx;
	return NAMES[index];
}

static void on_fault(void *ctx, const struct recovery_fault *fault)
{
	struct ordeal *o = ctx;

	o->faults++;
	recovery_fault(o->recovery, fault);
}

static void on_end(void *ctx, uint32_t line, int64_t at_us)
{
	struct ordeal *o = ctx;

	o->ends++;
	recovery_end(o->recovery, line, at_us);
}

static void on_read(void *ctx, const struct bh_result *result)
{
	struct ordeal *o = ctx;

	o->is_open = false;
	if (result->error != BH_CLASS_NONE)
		return;
	o->success_us = churn_now_us();
	recovery_success(o->recovery, 0, device, o->success_us);
}

static void begin_ordeal(struct ordeal *o, const struct plan *plan)
{
	char socket[128], log[128];
	struct inject_settings settings = { .socket = socket,
					    .config = world_env("BLEHERD_CONFIG"),
					    .log = log,
					    .daemon = world_daemon_pid(world),
					    .plan = plan,
					    .seed = 1,
					    .scene = { .adapters = 2, .devices = 4 },
					    .daemon_started = on_daemon,
					    .daemon_died = on_death,
					    .adapter = name_of,
					    .fault = on_fault,
					    .fault_end = on_end,
					    .ctx = o };

	(void)snprintf(socket, sizeof(socket), "%s/door", world_env("BLEHERD_WORLD"));
	(void)snprintf(log, sizeof(log), "%s/bleherdd-again.log", world_env("BLEHERD_WORLD"));
	*o = (struct ordeal){ 0 };
	ck_assert_int_eq(recovery_new(&o->recovery), 0);
	ck_assert_int_eq(inject_new(&o->inject, &settings), 0);
	o->bh = dial();
	ck_assert_int_eq(bh_parse_uuid("2a29", &o->name), 0);
	ck_assert_int_eq(
		bh_session_open(&o->session, o->bh, device, "hci0", ANSWER_MS, NULL, NULL, NULL),
		0);
	recovery_uses(o->recovery, 0, device, "hci0");
}

static void turn_ordeal(struct ordeal *o)
{
	(void)bh_wait(o->bh, STEP_MS);
	inject_turn(o->inject, churn_now_us());
	if (o->is_open)
		return;
	o->is_open = true;
	ck_assert_int_eq(bh_read(o->session, &o->name, ANSWER_MS, on_read, o), 0);
}

/* Everything has begun and ended, and the program was served since. */
static bool is_over(const struct ordeal *o, unsigned faults)
{
	return o->faults == faults && o->success_us > 0 &&
	       !recovery_is_faulty(o->recovery, o->success_us, 0);
}

static const char *no_client(void *ctx, int64_t since_us)
{
	const struct ordeal *o = ctx;

	return o->success_us > since_us ? NULL : "the reader";
}

static void expect_health(struct ordeal *o)
{
	const struct health_settings settings = {
		.bound_ms = HEALTH_FAKE_MS, .client = no_client, .violation = on_violation, .ctx = o
	};
	struct camera *camera;
	struct health health;
	int outcome;

	ck_assert_int_eq(camera_new(&camera, NULL, NULL), 0);
	health_begin(&health, &settings, churn_now_us());
	do {
		turn_ordeal(o);
		outcome = health_look(&health, camera_turn(camera, churn_now_us()), churn_now_us());
	} while (outcome == HEALTH_PENDING);
	ck_assert_msg(outcome == HEALTH_WELL, "%s", said);
	camera = camera_free(camera);
}

static void expect_recovered(const struct ordeal *o, size_t n)
{
	json_t *rows = recovery_report(o->recovery), *row;
	size_t i, recovered = 0;

	json_array_foreach(rows, i, row) recovered +=
		(size_t)json_integer_value(json_object_get(row, "recovered"));
	ck_assert_uint_eq(recovered, n);
	json_decref(rows);
}

/* Each kind once, and all are served again. */
START_TEST(process_faults)
{
	static const char text[] = "at 200ms kill worker 0\n"
				   "at 1s for 300ms stop worker 0\n"
				   "at 2s for 300ms starve lockd\n"
				   "at 3s kill lockd\n"
				   "at 4s for 200ms stop daemon\n"
				   "at 5s kill daemon\n";
	int64_t limit_us = churn_now_us() + LIMIT_US;
	struct plan *plan = NULL;
	char *error = NULL;
	struct ordeal o;

	ck_assert_msg(plan_parse(&plan, "test", text, PLAN_FAKE, NULL, &error) == 0, "%s", error);
	start(NULL);
	begin_ordeal(&o, plan);
	ck_assert_uint_eq(o.daemons, 1);
	inject_begin(o.inject, churn_now_us());
	while (!is_over(&o, 6)) {
		turn_ordeal(&o);
		ck_assert_msg(churn_now_us() < limit_us, "%u faults, %u ends", o.faults, o.ends);
	}
	inject_rest(o.inject, churn_now_us());
	expect_health(&o);
	expect_recovered(&o, 6);
	ck_assert_uint_eq(o.ends, 3);
	ck_assert_uint_eq(o.daemons, 2);
	ck_assert_uint_eq(o.deaths, 0);
	/* One that dies by itself is told of, and there is another one. */
	ck_assert_int_eq(kill(inject_daemon(o.inject), SIGKILL), 0);
	while (o.daemons < 3)
		turn_ordeal(&o);
	ck_assert_uint_eq(o.deaths, 1);
	(void)bh_free(o.bh);
	o.inject = inject_free(o.inject);
	o.recovery = recovery_free(o.recovery);
	plan = plan_free(plan);
	stop();
}
END_TEST

Suite *suite_watch(void)
{
	Suite *suite = suite_create("watch");
	TCase *tc = tcase_create("watch");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, locks_as_they_should_be);
	tcase_add_test(tc, one_holder_too_many);
	tcase_add_test(tc, links_with_and_without_owner);
	tcase_add_test(tc, process_faults);
	suite_add_tcase(suite, tc);
	return suite;
}
