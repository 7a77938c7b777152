/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_access.c - what the users of one daemon may do to each other and to its devices:
 * nothing that [access NAME] does not allow. Where the test is root its programs run as another
 * user; where not, as its own, and what takes two users cannot be shown: it says so.
 */
#include "ipc/bleherd.h"
#include "tests/support/user.h"
#include "tests/support/world.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *suite_access(void);

enum { CLUB_GID = 54777, CROWD = 260, CLIENTS_EACH = 256, PATIENCE_MS = 10000 };

static const uint64_t MINE = 0xc0aabb000000;
static const uint64_t HIDDEN = 0xc0aabb000001;

static struct world *world;

/* @settings: what follows "access "; NULL ends them; "USER" in a value is the program's user. */
static void start(const char *const *settings)
{
	const char *options[24] = { "--adapters", "1",	   "--devices",
				    "3",	  "--set", "daemon.socket_mode=0666" };
	static char texts[8][160];
	const char *home;
	size_t n = 6;
	size_t i;

	for (i = 0; settings[i]; i++) {
		const char *hole = strstr(settings[i], "USER");

		ck_assert_uint_lt(i, 8);
		if (hole)
			(void)snprintf(texts[i], sizeof(texts[i]), "access %.*s%u",
				       (int)(hole - settings[i]), settings[i], user_uid());
		else
			(void)snprintf(texts[i], sizeof(texts[i]), "access %s", settings[i]);
		options[n++] = "--set";
		options[n++] = texts[i];
	}
	world = world_start(options);
	home = getenv("BLEHERD_WORLD");
	ck_assert_ptr_nonnull(home);
	ck_assert_int_eq(chmod(home, 0711), 0);
}

static void stop(void)
{
	world = world_stop(world);
}

static struct said run_mine(deed_fn deed)
{
	return run_as(user_uid(), 0, deed);
}

static void expect_denied(deed_fn deed, const char *why)
{
	struct said said = run_mine(deed);

	ck_assert_msg(said.class == BH_CLASS_DENIED, "%s: %s", bh_class_name(said.class),
		      said.text);
	ck_assert_msg(strstr(said.text, why) != NULL, "no '%s' in: %s", why, said.text);
	ck_assert_msg(strstr(said.advice, "bleherd.conf") != NULL, "%s", said.advice);
}

static void expect_done(deed_fn deed)
{
	struct said said = run_mine(deed);

	ck_assert_msg(said.class == BH_CLASS_NONE, "%s: %s", bh_class_name(said.class), said.text);
}

/* --- what it does --- */

static void take(struct said *said, int r, const struct bh_answer *answer)
{
	said->class = r < 0 ? BH_CLASS_INTERNAL : answer->error;
	(void)snprintf(said->text, sizeof(said->text), "%s", r < 0 ? strerror(-r) : answer->text);
	(void)snprintf(said->advice, sizeof(said->advice), "%s", r < 0 ? "" : answer->advice);
}

static void use(struct bh_client *client, uint64_t address, bool is_write, struct said *said)
{
	struct bh_session *session = NULL;
	struct bh_answer answer;
	struct bh_uuid uuid;
	int r = bh_session_open_sync(&session, client, address, NULL, PATIENCE_MS, &answer);

	if (r == 0 && is_write) {
		ck_assert_int_eq(bh_parse_uuid("fff3", &uuid), 0);
		bh_answer_clear(&answer);
		r = bh_write_sync(session, &uuid, (const uint8_t *)"x", 1, false, PATIENCE_MS,
				  &answer);
	} else if (r == 0) {
		ck_assert_int_eq(bh_parse_uuid("2a19", &uuid), 0);
		bh_answer_clear(&answer);
		r = bh_read_sync(session, &uuid, PATIENCE_MS, &answer);
	}
	take(said, r, &answer);
}

static void read_mine(struct bh_client *client, struct said *said)
{
	use(client, MINE, false, said);
}

static void write_mine(struct bh_client *client, struct said *said)
{
	use(client, MINE, true, said);
}

static void read_hidden(struct bh_client *client, struct said *said)
{
	use(client, HIDDEN, false, said);
}

struct waiting {
	struct said *said;
	bool is_done;
};

static void on_done(void *ctx, const struct bh_result *result)
{
	struct waiting *waiting = ctx;

	waiting->is_done = true;
	waiting->said->class = result->error;
	(void)snprintf(waiting->said->text, sizeof(waiting->said->text), "%s", result->text);
	(void)snprintf(waiting->said->advice, sizeof(waiting->said->advice), "%s", result->advice);
}

static void wait_done(struct bh_client *client, struct waiting *waiting)
{
	while (!waiting->is_done)
		if (bh_wait(client, PATIENCE_MS) < 0)
			return;
}

static void on_device(void *ctx, const struct bh_device *device)
{
	(void)device;
	((struct waiting *)ctx)->said->n++;
}

static void list(struct bh_client *client, struct said *said)
{
	struct waiting waiting = { .said = said };

	if (bh_list_devices(client, on_device, on_done, &waiting) == 0)
		wait_done(client, &waiting);
}

static void on_event(void *ctx, const struct bh_event *event)
{
	((struct waiting *)ctx)->said->n += event->address == HIDDEN;
}

/* How many events there have been of the hidden device. */
static void events(struct bh_client *client, struct said *said)
{
	struct waiting waiting = { .said = said };

	if (bh_events(client, true, false, on_event, on_done, &waiting) == 0)
		wait_done(client, &waiting);
}

static void lock(struct bh_client *client, struct said *said)
{
	static const char *const resources[] = { "connect:hci0" };
	const struct bh_lock_request request = {
		.resources = resources,
		.n_resources = 1,
		.timeout_ms = PATIENCE_MS,
	};
	struct waiting waiting = { .said = said };
	struct bh_lock *held;

	if (bh_lock_acquire(&held, client, &request, NULL, on_done, &waiting) == 0)
		wait_done(client, &waiting);
}

static void on_victim(void *ctx, const struct bh_reset_news *news)
{
	(void)news;
	((struct waiting *)ctx)->said->n++;
}

static void reset(struct bh_client *client, struct said *said)
{
	struct waiting waiting = { .said = said };

	if (bh_reset_adapter(client, "hci0", "all", true, on_victim, on_done, &waiting) == 0)
		wait_done(client, &waiting);
}

static void on_status(void *ctx, const struct bh_status *status)
{
	struct waiting *waiting = ctx;
	size_t i;

	for (i = 0; i < status->n_users; i++)
		if (status->users[i].uid == user_uid())
			waiting->said->n = (uint32_t)status->users[i].denied;
}

static void status(struct bh_client *client, struct said *said)
{
	struct waiting waiting = { .said = said };

	if (bh_get_status(client, on_status, on_done, &waiting) == 0)
		wait_done(client, &waiting);
}

/* --- the tests --- */

START_TEST(rights)
{
	static const char *const settings[] = {
		"mine.user=USER",      "mine.devices=C0:AA:BB:00:00:00",
		"mine.allow=see,read", "rest.user=USER",
		"rest.allow=none",     NULL,
	};
	struct said said;

	start(settings);
	expect_done(read_mine);
	expect_denied(write_mine, "[access mine] allows see, read");
	expect_denied(read_hidden, "[access rest] allows nothing");
	expect_denied(lock, "lock");
	expect_denied(reset, "reset");
	said = run_mine(status);
	ck_assert_int_eq(said.class, BH_CLASS_NONE);
	/* The write's is told by its worker, at its next tick. */
	ck_assert_uint_ge(said.n, 3);
	stop();
}
END_TEST

/* What a user may not see is in none of his lists, and another one's acts do not show it. */
START_TEST(hidden)
{
	static const char *const settings[] = {
		"mine.user=USER",  "mine.devices=C0:AA:BB:00:00:00",
		"mine.allow=see",  "rest.user=USER",
		"rest.allow=none", NULL,
	};
	struct run commands;
	struct said said;

	start(settings);
	if (user_has_two()) {
		commands = run_command("bleherd read C0:AA:BB:00:00:01 2a19 && "
				       "bleherd read C0:AA:BB:00:00:00 2a19 && "
				       "bleherd events | grep -q 00:00:01");
		ck_assert_msg(commands.status == 0, "%s", commands.err);
		run_done(&commands);
		said = run_mine(list);
		ck_assert_uint_eq(said.n, 1);
	}
	said = run_mine(list);
	ck_assert_int_eq(said.class, BH_CLASS_NONE);
	ck_assert_uint_le(said.n, 1);
	said = run_mine(events);
	ck_assert_int_eq(said.class, BH_CLASS_NONE);
	ck_assert_uint_eq(said.n, 0);
	stop();
}
END_TEST

START_TEST(groups)
{
	static const char *const settings[] = { "club.group=54777", "club.allow=all", NULL };
	struct said said;

	if (!user_has_two())
		return;
	start(settings);
	/* Whom no section names may look. */
	expect_denied(read_mine, "no [access] section names it");
	expect_done(list);
	said = run_as(OTHER_UID, CLUB_GID, read_mine);
	ck_assert_msg(said.class == BH_CLASS_NONE, "%s", said.text);
	said = run_as(OTHER_UID, CLUB_GID, reset);
	ck_assert_msg(said.class == BH_CLASS_NONE, "%s", said.text);
	/* Root needs no section. */
	said = run_as(0, 0, read_mine);
	ck_assert_msg(said.class == BH_CLASS_NONE, "%s", said.text);
	stop();
}
END_TEST

static void many_sessions(struct bh_client *client, struct said *said)
{
	struct bh_client *second;
	struct bh_session *session;
	struct bh_answer answer;
	int r;

	for (said->n = 0; said->n < 5; said->n++) {
		if (said->n == 1 && bh_new(&second, NULL, "second") == 0)
			client = second;
		r = bh_session_open_sync(&session, client, MINE, NULL, PATIENCE_MS, &answer);
		take(said, r, &answer);
		if (said->class != BH_CLASS_NONE)
			return;
	}
}

static void many_requests(struct bh_client *client, struct said *said)
{
	struct said one = { .class = BH_CLASS_NONE };
	unsigned i;

	for (i = 0; i < 40; i++) {
		status(client, &one);
		said->n += one.class == BH_CLASS_LIMIT;
		if (one.class == BH_CLASS_LIMIT)
			*said = (struct said){ .class = one.class, .n = said->n };
	}
	(void)snprintf(said->text, sizeof(said->text), "%s", one.text);
}

START_TEST(quotas)
{
	static const char *const settings[] = {
		"few.user=USER", "few.allow=all", "few.sessions=2", "few.requests_per_s=10", NULL,
	};
	struct said said;

	start(settings);
	said = run_mine(many_sessions);
	ck_assert_msg(said.class == BH_CLASS_LIMIT, "%s: %s", bh_class_name(said.class), said.text);
	ck_assert_uint_eq(said.n, 2);
	ck_assert_ptr_nonnull(strstr(said.text, "as many sessions"));
	said = run_mine(many_requests);
	ck_assert_uint_ge(said.n, 1);
	ck_assert_msg(strstr(said.text, "more than 10 requests a second") != NULL, "%s", said.text);
	/* No other user notices. */
	if (user_has_two()) {
		said = run_as(OTHER_UID + 1, 0, many_requests);
		ck_assert_uint_eq(said.n, 0);
	}
	stop();
}
END_TEST

/* Of one user's connections; how many were closed at once. */
static void crowd(struct bh_client *client, struct said *said)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct pollfd p = { .events = POLLIN };
	size_t i;

	(void)client;
	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", getenv("BLEHERD_SOCKET"));
	for (i = 0; i < CROWD; i++) {
		p.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (connect(p.fd, (struct sockaddr *)&where, sizeof(where)) < 0)
			return;
		/* The agent has one itself; those that are taken in say nothing unasked. */
		if (i + 1 >= CLIENTS_EACH)
			said->n += poll(&p, 1, PATIENCE_MS) == 1;
	}
	said->class = BH_CLASS_NONE;
}

START_TEST(crowds)
{
	static const char *const settings[] = { NULL };
	struct agent agent;
	struct said said;

	if (!user_has_two())
		return;
	start(settings);
	agent_begin(&agent, OTHER_UID, 0, crowd);
	ck_assert_int_eq(agent.said.class, BH_CLASS_NONE);
	ck_assert_uint_eq(agent.said.n, CROWD + 1 - CLIENTS_EACH);
	/* The others get in. */
	said = run_as(OTHER_UID + 1, 0, list);
	ck_assert_int_eq(said.class, BH_CLASS_NONE);
	said = run_as(0, 0, read_mine);
	ck_assert_msg(said.class == BH_CLASS_NONE, "%s", said.text);
	agent_end(&agent);
	stop();
}
END_TEST

/* What is read anew holds for those who are there: a follower that may not see any more is told. */
START_TEST(reload)
{
	static const char *const settings[] = { "all.user=*", "all.allow=all", NULL };
	struct run run;

	start(settings);
	run = run_command("bleherd events --follow > /dev/null 2>$BLEHERD_WORLD/err & f=$!;"
			  "bleherd notify C0:AA:BB:00:00:00 fff4 >$BLEHERD_WORLD/out 2>&1 & n=$!;"
			  "while ! [ -s $BLEHERD_WORLD/out ]; do :; done;"
			  "sed -i 's/^allow = all/allow = lock/' $BLEHERD_CONFIG;"
			  "kill -HUP $BLEHERD_DAEMON_PID;"
			  "wait $f; echo $?; wait $n; echo $?;"
			  "grep -c denied $BLEHERD_WORLD/err; grep -c denied $BLEHERD_WORLD/out");
	ck_assert_msg(strcmp(run.out, "1\n1\n1\n1\n") == 0, "%s%s", run.out, run.err);
	run_done(&run);
	run = run_command("sed -i 's/^allow = lock/allow = all/' $BLEHERD_CONFIG;"
			  "kill -HUP $BLEHERD_DAEMON_PID;"
			  "until bleherd status >/dev/null 2>&1; do :; done;"
			  "bleherd read C0:AA:BB:00:00:00 2a19");
	ck_assert_msg(run.status == 0, "%s", run.err);
	run_done(&run);
	stop();
}
END_TEST

/* A right of one's own user's: also where the test is not root. */
START_TEST(words)
{
	static const char *const settings[] = { "all.user=*", "all.allow=see", NULL };
	struct run run;

	start(settings);
	run = run_command("bleherd read C0:AA:BB:00:00:00 2a19");
	ck_assert_int_eq(run.status, 1);
	ck_assert_msg(strstr(run.err, "denied") != NULL, "%s", run.err);
	ck_assert_msg(strstr(run.err, "[access all] allows see") != NULL, "%s", run.err);
	ck_assert_msg(strstr(run.err, "bleherd.conf") != NULL, "%s", run.err);
	run_done(&run);
	run = run_command("bleherd lock hci0 scan true; echo $?; bleherd strategy "
			  "C0:AA:BB:00:00:00 persistent; echo $?");
	ck_assert_msg(strcmp(run.out, "1\n1\n") == 0, "%s%s", run.out, run.err);
	run_done(&run);
	run = run_command("bleherd events --json | grep -c '\"denied\"'");
	ck_assert_msg(strcmp(run.out, "3\n") == 0, "%s", run.out);
	run_done(&run);
	run = run_command("bleherd status");
	ck_assert_msg(strstr(run.out, "denied      3 requests, uid ") != NULL, "%s", run.out);
	run_done(&run);
	stop();
}
END_TEST

/* Logs say what happened and not to which device, unless debugging was asked for. */
START_TEST(logs)
{
	static const char *const settings[] = { NULL };
	struct run run;

	start(settings);
	world_fault(world, "refuse C0:AA:BB:00:00:01 1");
	run = run_command(
		"{ bleherd read C0:AA:BB:00:00:00 2a19; bleherd read C0:AA:BB:00:00:01 2a19;"
		" bleherd connect C0:AA:BB:00:00:99 --timeout 1;"
		" bleherd notify C0:AA:BB:00:00:02 fff4 --count 1;"
		" bleherd disconnect C0:AA:BB:00:00:02; } >/dev/null 2>&1; "
		"cat $BLEHERD_WORLD/bleherdd.log");
	ck_assert_msg(strstr(run.out, "xx:xx:xx:xx:00:01") != NULL, "%s", run.out);
	run_done(&run);
	/* The pattern is that of an address, in both forms. */
	run = run_command(
		"grep -E '([0-9A-Fa-f]{2}[:_]){5}[0-9A-Fa-f]{2}' $BLEHERD_WORLD/bleherdd.log");
	ck_assert_msg(run.status == 1, "an address in the log: %s", run.out);
	run_done(&run);
	stop();
}
END_TEST

Suite *suite_access(void)
{
	Suite *suite = suite_create("access");
	TCase *tc = tcase_create("access");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rights);
	tcase_add_test(tc, hidden);
	tcase_add_test(tc, groups);
	tcase_add_test(tc, quotas);
	tcase_add_test(tc, crowds);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, words);
	tcase_add_test(tc, logs);
	suite_add_tcase(suite, tc);
	return suite;
}
