/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/agent.c - this test program as bleherd-worker, -rescue and -lockd
 * (agent_lockd.c): rig.c makes links of those names to it, and a constructor looks at argv[0]
 * before main() does.
 *
 * The fake worker does what a WRITE tells it: "crash", "kill", "hang", "spin", "exit 75",
 * "give-up"; "heard" (an advert of its device), "link N" (it comes up; a hash of its services, odd:
 * bonded), "lost N" (it goes, with that class), "named TEXT", "use N" (it holds the link, and so
 * many requests took 1 to N ms); these and anything else are answered. A READ is answered with the
 * adapter's name. What it is asked to do under a grant it says as an event. CONNECT_CANCEL is
 * answered as the address says, rig.h's RIG_CANCEL_*.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "ipc/build_id.h"
#include "ipc/chan.h"
#include "ipc/class.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/guard/alarm.h"
#include "ipc/wpage.h"
#include "tests/unit/supervisor/rig.h"

enum { SEATS_MAX = 16, TICK_MS = 50 };

struct seat {
	struct chan *chan;
	uint32_t session;
	uint64_t address;
};

struct agent {
	const char *adapter;
	uint64_t incarnation;
	struct chan_buf *buf;
	struct chan *up;
	struct wpage *page;
	int arbiter; /* a channel that is only kept open */
	struct seat seats[SEATS_MAX];
};

bool agent_read(const char *file, char *out, size_t size)
{
	char path[128];
	FILE *stream;

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("BLEHERD_LIBEXEC"), file);
	stream = fopen(path, "r");
	if (!stream)
		return false;
	if (size > 0 && !fgets(out, (int)size, stream))
		out[0] = '\0';
	(void)fclose(stream);
	return true;
}

/* Named in a backtrace: so neither inlined nor the end of its caller. */
__attribute__((noinline)) static void agent_spin_for_ever(void)
{
	static volatile unsigned turns;

	for (;;)
		turns++;
}

/* --- worker --- */

static void tell(struct agent *agent, uint16_t type, const ProtobufCMessage *msg)
{
	(void)!chan_send(agent->up, type, 0, 0, msg, NULL, 0);
}

static void tell_seen(struct agent *agent, uint64_t address, int rssi_dbm)
{
	Bh__Ctl__Sightings sightings = BH__CTL__SIGHTINGS__INIT;
	Bh__Ctl__Seen seen = BH__CTL__SEEN__INIT;
	Bh__Ctl__Seen *list[] = { &seen };

	seen.has_address = seen.has_random = seen.has_rssi_dbm = 1;
	seen.address = address;
	seen.random = 1;
	seen.rssi_dbm = rssi_dbm;
	sightings.n_seen = 1;
	sightings.seen = list;
	tell(agent, BH__CTL__TYPE__SIGHTINGS, &sightings.base);
}

static void say_hello(struct agent *agent)
{
	Bh__Ctl__Hello hello = BH__CTL__HELLO__INIT;

	hello.build_id = (char *)(uintptr_t)BUILD_ID;
	hello.has_pid = hello.has_incarnation = 1;
	hello.pid = (uint32_t)getpid();
	hello.incarnation = agent->incarnation;
	tell(agent, BH__CTL__TYPE__HELLO, &hello.base);
}

static void say_ready(struct agent *agent)
{
	Bh__Ctl__AdapterState state = BH__CTL__ADAPTER_STATE__INIT;
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	state.has_bluez = state.has_powered = 1;
	state.bluez = state.powered = 1;
	tell(agent, BH__CTL__TYPE__ADAPTER_STATE, &state.base);
	tell_seen(agent, RIG_SEEN, strcmp(agent->adapter, "hci1") == 0 ? -50 : -70);
	tell(agent, BH__CTL__TYPE__READY, &empty.base);
}

static void tell_under(struct agent *agent, const char *what, uint64_t under)
{
	Bh__Event event = BH__EVENT__INIT;
	char text[64];

	if (under == 0)
		return;
	(void)snprintf(text, sizeof(text), "%s under %llu", what, (unsigned long long)under);
	event.kind = (char *)(uintptr_t) "connecting";
	event.text = text;
	tell(agent, BH__CTL__TYPE__EVENT, &event.base);
}

static void attach(struct agent *agent, struct chan_frame *frame)
{
	const Bh__Ctl__SessionAttach *msg =
		chan_unpack(agent->up, frame, &bh__ctl__session_attach__descriptor);
	size_t i;

	for (i = 0; i < SEATS_MAX && agent->seats[i].chan; i++)
		;
	if (!msg || i == SEATS_MAX ||
	    chan_new(&agent->seats[i].chan, take_fd(&frame->fds[0]), agent->buf, CHAN_BODY_DATA) <
		    0)
		_exit(9);
	agent->seats[i].session = msg->session;
	agent->seats[i].address = msg->address;
	tell_under(agent, "session", msg->under);
}

static void let_go(struct agent *agent, struct seat *seat, uint16_t type)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;

	seat->chan = chan_free(seat->chan);
	ref.has_session = 1;
	ref.session = seat->session;
	tell(agent, type, &ref.base);
}

static void tell_up(struct agent *agent, uint64_t address)
{
	Bh__Ctl__Link link = BH__CTL__LINK__INIT;

	link.has_address = link.has_up = 1;
	link.address = address;
	link.up = 1;
	tell(agent, BH__CTL__TYPE__LINK_STATE, &link.base);
}

static void give_up(struct agent *agent, struct seat *seat)
{
	tell_up(agent, seat->address);
	let_go(agent, seat, BH__CTL__TYPE__SESSION_GIVEN_UP);
}

static bool is_word(const ProtobufCBinaryData *value, const char *word)
{
	return value->len == strlen(word) && memcmp(value->data, word, value->len) == 0;
}

static void tell_named(struct agent *agent, uint64_t address, char *name)
{
	Bh__Ctl__Sightings sightings = BH__CTL__SIGHTINGS__INIT;
	Bh__Ctl__Seen seen = BH__CTL__SEEN__INIT;
	Bh__Ctl__Seen *list[] = { &seen };

	seen.has_address = 1;
	seen.address = address;
	seen.name = name;
	sightings.n_seen = 1;
	sightings.seen = list;
	tell(agent, BH__CTL__TYPE__SIGHTINGS, &sightings.base);
}

static void tell_forgotten(struct agent *agent, uint64_t address)
{
	Bh__Ctl__Sightings sightings = BH__CTL__SIGHTINGS__INIT;
	Bh__Ctl__Seen seen = BH__CTL__SEEN__INIT;
	Bh__Ctl__Seen *list[] = { &seen };

	seen.has_address = seen.has_gone = seen.gone = 1;
	seen.address = address;
	sightings.n_seen = 1;
	sightings.seen = list;
	tell(agent, BH__CTL__TYPE__SIGHTINGS, &sightings.base);
}

static void tell_numbered(struct agent *agent, const struct seat *seat,
			  const ProtobufCBinaryData *value)
{
	char text[64];
	unsigned number;

	(void)snprintf(text, sizeof(text), "%.*s", (int)value->len, (const char *)value->data);
	if (sscanf(text, "link %u", &number) == 1)
		agent_link(agent->up, seat->address, true, 0, number);
	if (sscanf(text, "lost %u", &number) == 1)
		agent_link(agent->up, seat->address, false, (int)number, 0);
	if (sscanf(text, "use %u", &number) == 1)
		agent_use(agent->up, seat->session, seat->address, number);
	if (strncmp(text, "named ", 6) == 0)
		tell_named(agent, seat->address, text + 6);
	if (strcmp(text, "forget") == 0)
		tell_forgotten(agent, seat->address);
}

static void on_write(struct agent *agent, struct seat *seat, const struct chan_frame *frame)
{
	const Bh__Write *msg = chan_unpack(seat->chan, frame, &bh__write__descriptor);
	Bh__Done done = BH__DONE__INIT;

	if (!msg)
		_exit(9);
	wpage_handling(agent->page, seat->session, frame->id);
	wpage_crumb(agent->page, clock_now_ms(), "write in session %u", seat->session);
	if (wpage_issue(agent->page, seat->session, frame->id) < 0)
		_exit(9);
	if (is_word(&msg->value, "link"))
		tell_up(agent, seat->address);
	if (is_word(&msg->value, "link-of-another"))
		tell_up(agent, RIG_HIDDEN);
	if (is_word(&msg->value, "crash"))
		_exit(3);
	if (is_word(&msg->value, "kill"))
		(void)raise(SIGKILL);
	if (is_word(&msg->value, "overrun"))
		wpage_op_begin(agent->page, WPAGE_OP_DISCOVERY, 10, clock_now_ms());
	if (is_word(&msg->value, "stop"))
		(void)raise(SIGSTOP);
	while (is_word(&msg->value, "hang"))
		(void)pause();
	if (msg->value.len == 7 && memcmp(msg->value.data, "exit ", 5) == 0)
		_exit((msg->value.data[5] - '0') * 10 + msg->value.data[6] - '0');
	if (is_word(&msg->value, "spin"))
		agent_spin_for_ever();
	if (is_word(&msg->value, "give-up")) {
		give_up(agent, seat);
		return;
	}
	if (is_word(&msg->value, "heard"))
		tell_seen(agent, seat->address, -60);
	tell_numbered(agent, seat, &msg->value);
	(void)!chan_send(seat->chan, BH__TYPE__DONE, frame->id, 0, &done.base, NULL, 0);
	wpage_answered(agent->page, seat->session, frame->id);
	wpage_handling(agent->page, 0, 0);
}

static void on_data(struct agent *agent, struct seat *seat)
{
	struct chan_frame frame;
	Bh__Value value = BH__VALUE__INIT;
	int r;

	while (seat->chan && (r = chan_recv(seat->chan, &frame)) != 0) {
		if (r != CHAN_FRAME) {
			let_go(agent, seat, BH__CTL__TYPE__SESSION_ENDED);
			return;
		}
		if (frame.type == BH__TYPE__WRITE) {
			on_write(agent, seat, &frame);
			continue;
		}
		value.has_value = 1;
		value.value.data = (uint8_t *)(uintptr_t)agent->adapter;
		value.value.len = strlen(agent->adapter);
		(void)!chan_send(seat->chan, BH__TYPE__VALUE, frame.id, 0, &value.base, NULL, 0);
	}
}

static void on_find(struct agent *agent, const struct chan_frame *frame)
{
	const Bh__Ctl__Find *msg = chan_unpack(agent->up, frame, &bh__ctl__find__descriptor);

	if (msg && !msg->stop)
		tell_under(agent, "search", msg->under);
	if (msg && !msg->stop && (msg->address == RIG_HIDDEN || msg->address == RIG_ALIAS))
		tell_seen(agent, msg->address, -40);
	/* A reset's proof: whatever advertises. */
	if (msg && !msg->stop && msg->address == RIG_NOBODY && !agent_read("deaf", NULL, 0))
		tell_seen(agent, RIG_SEEN, -50);
}

static void on_cancel(struct agent *agent, const struct chan_frame *frame)
{
	const Bh__Ctl__ConnectCancel *msg =
		chan_unpack(agent->up, frame, &bh__ctl__connect_cancel__descriptor);
	Bh__Ctl__ConnectCancel done = BH__CTL__CONNECT_CANCEL__INIT;

	if (!msg)
		_exit(9);
	if (msg->address == RIG_CANCEL_NEVER)
		return;
	if (msg->address == RIG_CANCEL_DIES && agent->incarnation == 1)
		_exit(3);
	done.has_address = done.has_outcome = 1;
	done.address = msg->address;
	done.outcome = BH__CTL__CANCEL__CANCEL_DONE;
	if (msg->address == RIG_CANCEL_NOTHING)
		done.outcome = BH__CTL__CANCEL__CANCEL_NOTHING;
	if (msg->address == RIG_CANCEL_LINKED)
		done.outcome = BH__CTL__CANCEL__CANCEL_LINKED;
	if (msg->address == RIG_CANCEL_FAILS)
		done.outcome = BH__CTL__CANCEL__CANCEL_FAILED;
	done.text = (char *)(uintptr_t) "the bus is on fire";
	(void)!chan_send(agent->up, BH__CTL__TYPE__CONNECT_CANCELLED, frame->id, 0, &done.base,
			 NULL, 0);
}

static void on_cause(struct agent *agent, const struct chan_frame *frame)
{
	const Bh__Ctl__LinkCause *msg =
		chan_unpack(agent->up, frame, &bh__ctl__link_cause__descriptor);
	Bh__Event event = BH__EVENT__INIT;
	char text[64];

	if (!msg)
		_exit(9);
	(void)snprintf(text, sizeof(text), "%s: %s %u of %llx", agent->adapter,
		       msg->is_disconnect ? "reason" : "status", msg->status,
		       (unsigned long long)msg->address);
	event.kind = (char *)(uintptr_t) "connecting";
	event.text = text;
	tell(agent, BH__CTL__TYPE__EVENT, &event.base);
}

static void on_cut(struct agent *agent, const struct chan_frame *frame)
{
	const Bh__Ctl__Link *msg = chan_unpack(agent->up, frame, &bh__ctl__link__descriptor);
	Bh__Event event = BH__EVENT__INIT;
	char text[64];

	if (!msg)
		_exit(9);
	(void)snprintf(text, sizeof(text), "%s: cut %llx, %s", agent->adapter,
		       (unsigned long long)msg->address,
		       msg->has_class_ ? class_name((enum err_class)msg->class_) : "by a person");
	event.kind = (char *)(uintptr_t) "connecting";
	event.text = text;
	tell(agent, BH__CTL__TYPE__EVENT, &event.base);
}

static void detach(struct agent *agent, const struct chan_frame *frame)
{
	const Bh__Ctl__SessionRef *msg =
		chan_unpack(agent->up, frame, &bh__ctl__session_ref__descriptor);
	size_t i;

	for (i = 0; msg && i < SEATS_MAX; i++)
		if (agent->seats[i].chan && agent->seats[i].session == msg->session)
			let_go(agent, &agent->seats[i], BH__CTL__TYPE__SESSION_GIVEN_UP);
}

static void on_control(struct agent *agent)
{
	struct chan_frame frame;
	int r;

	while ((r = chan_recv(agent->up, &frame)) != 0) {
		if (r != CHAN_FRAME || frame.type == BH__CTL__TYPE__STOP)
			_exit(0);
		if (frame.type == BH__CTL__TYPE__SESSION_ATTACH)
			attach(agent, &frame);
		if (frame.type == BH__CTL__TYPE__SESSION_DETACH)
			detach(agent, &frame);
		if (frame.type == BH__CTL__TYPE__ARBITER) {
			(void)close_fd(agent->arbiter);
			agent->arbiter = take_fd(&frame.fds[0]);
		}
		if (frame.type == BH__CTL__TYPE__FIND)
			on_find(agent, &frame);
		if (frame.type == BH__CTL__TYPE__CONNECT_CANCEL)
			on_cancel(agent, &frame);
		if (frame.type == BH__CTL__TYPE__LINK_CAUSE)
			on_cause(agent, &frame);
		if (frame.type == BH__CTL__TYPE__LINK_CUT)
			on_cut(agent, &frame);
		agent_on_keep(agent->up, &frame);
		agent_on_cache(agent->up, agent->adapter, &frame);
		chan_frame_done(&frame);
	}
}

static void turn(struct agent *agent)
{
	struct pollfd p[SEATS_MAX + 1] = { { .fd = chan_fd(agent->up), .events = POLLIN } };
	size_t i;

	for (i = 0; i < SEATS_MAX; i++)
		p[i + 1] = (struct pollfd){
			.fd = agent->seats[i].chan ? chan_fd(agent->seats[i].chan) : -1,
			.events = POLLIN,
		};
	(void)poll(p, SEATS_MAX + 1, TICK_MS);
	alarm_tick();
	wpage_tick(agent->page, clock_now_ms());
	/* Data first: a seat that is attached now has no place in p[] yet. */
	for (i = 0; i < SEATS_MAX; i++)
		if (p[i + 1].revents)
			on_data(agent, &agent->seats[i]);
	if (p[0].revents)
		on_control(agent);
}

static _Noreturn void be_worker(char **argv)
{
	struct agent agent = {
		.adapter = argv[2],
		.incarnation = strtoull(argv[4], NULL, 10),
		.arbiter = -EBADF,
	};

	if (chan_buf_new(&agent.buf, CHAN_BODY_DATA) < 0 ||
	    chan_new(&agent.up, 3, agent.buf, CHAN_BODY_CONTROL) < 0 ||
	    wpage_map(4, &agent.page) < 0 || alarm_begin(agent.page) < 0)
		_exit(9);
	say_hello(&agent);
	if (!agent_read("never-ready", NULL, 0) || strcmp(agent.adapter, "hci1") != 0)
		say_ready(&agent);
	for (;;)
		turn(&agent);
}

/* --- rescue --- */

/* Its outcomes are the digits in the file "steps", in the order of the kinds; 0: none, ever. */
static _Noreturn void be_rescue(void)
{
	Bh__Ctl__RescueDone done = BH__CTL__RESCUE_DONE__INIT;
	const Bh__Ctl__RescueStep *step;
	struct pollfd p = { .fd = 3, .events = POLLIN };
	struct chan_buf *buf = NULL;
	struct chan *up = NULL;
	struct chan_frame frame;
	char outcomes[16] = "";

	if (!agent_read("steps", outcomes, sizeof(outcomes)) ||
	    chan_buf_new(&buf, CHAN_BODY_CONTROL) < 0 ||
	    chan_new(&up, 3, buf, CHAN_BODY_CONTROL) < 0 || poll(&p, 1, -1) < 0 ||
	    chan_recv(up, &frame) != CHAN_FRAME)
		_exit(9);
	step = chan_unpack(up, &frame, &bh__ctl__rescue_step__descriptor);
	done.has_outcome = 1;
	done.outcome = (Bh__Ctl__RescueOutcome)(outcomes[step->kind - 1] - '0');
	while (done.outcome == 0)
		(void)pause();
	(void)!chan_send(up, BH__CTL__TYPE__RESCUE_DONE, 0, 0, &done.base, NULL, 0);
	_exit(0);
}

__attribute__((constructor)) static void be_somebody_else(int argc, char **argv)
{
	if (argc < 5)
		return;
	if (strcmp(argv[0], "bleherd-worker") == 0)
		be_worker(argv);
	if (strcmp(argv[0], "bleherd-lockd") == 0)
		agent_be_lockd(argv);
	if (strcmp(argv[0], "bleherd-rescue") == 0)
		be_rescue();
}
