/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/client/stay.h"

#include <string.h>

struct stay stay;

static void on_daemon(void *ctx, struct bh_client *it, const struct bh_daemon_news *news)
{
	(void)ctx;
	ck_assert_ptr_eq(it, stay.client);
	stay.daemon.gone += news->event == BH_DAEMON_GONE;
	stay.daemon.back += news->event == BH_DAEMON_BACK;
	stay.daemon.is_other = news->is_other;
	stay.daemon.away_ms = news->away_ms;
	if (news->event == BH_DAEMON_GONE ? stay.daemon.frees : stay.daemon.frees_back)
		stay.client = bh_free(stay.client);
}

void stay_on_session(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	(void)ctx;
	stay.session.waits += news->event == BH_SESSION_WAITS;
	stay.session.moved += news->event == BH_SESSION_MOVED;
	stay.session.lost += news->event == BH_SESSION_LINK_LOST;
	stay.session.closed += news->event == BH_SESSION_CLOSED;
	stay.session.error = news->error;
	if (stay.session.closes)
		(void)bh_session_close(session);
}

void stay_set_up(void)
{
	memset(&stay, 0, sizeof(stay));
	fake_open(&stay.fake);
	stay.client = fake_client(&stay.fake);
	bh_stay(stay.client, on_daemon, NULL);
}

void stay_tear_down(void)
{
	stay.client = bh_free(stay.client);
	fake_drop(&stay.worker);
	fake_drop(&stay.next_worker);
	fake_close(&stay.fake);
}

struct bh_session *stay_session(void)
{
	struct bh_session *session = fake_session(&stay.fake, stay.client, &stay.worker);

	session->news = stay_on_session;
	return session;
}

void stay_settle(void)
{
	ck_assert_int_eq(fake_settle(&stay.fake, stay.client), 0);
}

void stay_serve(void)
{
	struct fake_frame *frame =
		fake_take(&stay.fake, &stay.fake.control, BH__TYPE__SESSION_OPEN);
	Bh__SessionOpen *open = bh__session_open__unpack(NULL, frame->len, frame->body);

	ck_assert_uint_eq(open->address, FAKE_ADDRESS);
	bh__session_open__free_unpacked(open, NULL);
	fake_send_opened(&stay.fake, frame->id, FAKE_SESSION + 1, 1, &stay.next_worker);
	free(frame);
	stay_settle();
}

void stay_restart(void)
{
	fake_drop(&stay.worker);
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, 2);
	stay_serve();
}
