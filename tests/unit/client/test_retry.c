/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ipc/class.h"
#include "ipc/clock.h"
#include "ipc/errors.h"
#include "tests/unit/client/stay.h"

Suite *suite_retry(void);

enum { TRIES_MAX = 8, BASE_MS = 40 };

/* What the tries end with, in order; the last one stays. */
struct script {
	enum bh_class classes[TRIES_MAX];
	size_t n;
	uint64_t at_ms[TRIES_MAX];
	unsigned tries;
	int error; /* instead */
};

static int try(void *ctx, struct bh_answer *answer)
{
	struct script *script = ctx;
	unsigned i = script->tries++;

	ck_assert_uint_lt(i, TRIES_MAX);
	/* Nothing of the try before is left. */
	ck_assert_int_eq(answer->error, BH_CLASS_NONE);
	ck_assert_ptr_null(answer->value);
	script->at_ms[i] = clock_now_ms();
	if (script->error < 0)
		return script->error;
	answer->error = script->classes[i < script->n ? i : script->n - 1];
	(void)snprintf(answer->text, sizeof(answer->text), "reason %u", i);
	return answer->error == BH_CLASS_NONE ? 0 : 1;
}

static const struct bh_retry_policy QUICK = { .delay_ms = BASE_MS };

START_TEST(until_it_works)
{
	struct script script = {
		.classes = { BH_CLASS_LINK_LOST, BH_CLASS_NOT_FOUND, BH_CLASS_NONE }, .n = 3
	};
	struct bh_answer answer;

	ck_assert_int_eq(bh_retry(stay.client, &QUICK, try, &script, &answer), 0);
	ck_assert_uint_eq(script.tries, 3);
	ck_assert_str_eq(answer.text, "reason 2");
}
END_TEST

/* Three retries after base x 1, 2, 4; the last failure is told as it was. */
START_TEST(gives_up)
{
	struct script script = { .classes = { BH_CLASS_LINK_LOST, BH_CLASS_NO_REPLY }, .n = 2 };
	struct bh_answer answer;
	unsigned i;

	ck_assert_int_eq(bh_retry(stay.client, &QUICK, try, &script, &answer), 1);
	ck_assert_uint_eq(script.tries, 4);
	ck_assert_int_eq(answer.error, BH_CLASS_NO_REPLY);
	ck_assert_ptr_eq(strstr(answer.text, "reason 3 (4 tries in "), answer.text);
	for (i = 1; i < 4; i++)
		ck_assert_uint_ge(script.at_ms[i] - script.at_ms[i - 1],
				  ((unsigned)BASE_MS << (i - 1)) * 8 / 10);
}
END_TEST

START_TEST(what_is_no_connection_error)
{
	enum bh_class class = (enum bh_class)_i;
	struct script script = { .classes = { class }, .n = 1 };
	struct bh_answer answer;
	bool is_ours = errors_is_connection((enum err_class)_i);
	static const struct bh_retry_policy one = { .retries = 1, .delay_ms = 1 };

	ck_assert_int_eq(bh_retry(stay.client, &one, try, &script, &answer), 1);
	ck_assert_uint_eq(script.tries, is_ours ? 2 : 1);
	ck_assert_int_eq(answer.error, class);
}
END_TEST

START_TEST(which_are)
{
	static const enum err_class no[] = {
		CLASS_NONE, CLASS_INTERRUPTED,	CLASS_INVALID, CLASS_GATT_REFUSED, CLASS_CANCELLED,
		CLASS_AUTH, CLASS_GATT_MISSING, CLASS_LIMIT,   CLASS_INTERNAL
	};
	static const enum err_class yes[] = { CLASS_LINK_LOST,	 CLASS_ABORTED_REMOTE,
					      CLASS_NOT_FOUND,	 CLASS_NO_REPLY,
					      CLASS_DEADLINE,	 CLASS_NO_DAEMON,
					      CLASS_OUT_OF_SLOTS };
	size_t i;

	for (i = 0; i < ARRAY_LEN(no); i++)
		ck_assert(!errors_is_connection(no[i]));
	for (i = 0; i < ARRAY_LEN(yes); i++)
		ck_assert(errors_is_connection(yes[i]));
}
END_TEST

START_TEST(limits)
{
	static const struct bh_retry_policy short_one = { .delay_ms = 100, .timeout_ms = 1 };
	static const struct bh_retry_policy more = { .retries = 5, .delay_ms = 1 };
	struct script script = { .classes = { BH_CLASS_LINK_LOST }, .n = 1 };
	struct bh_answer answer;

	ck_assert_int_eq(bh_retry(stay.client, &short_one, try, &script, &answer), 1);
	ck_assert_uint_eq(script.tries, 1);
	script.tries = 0;
	ck_assert_int_eq(bh_retry(stay.client, &more, try, &script, &answer), 1);
	ck_assert_uint_eq(script.tries, 6);
	script = (struct script){ .error = -EINVAL };
	ck_assert_int_eq(bh_retry(stay.client, &more, try, &script, &answer), -EINVAL);
	ck_assert_uint_eq(script.tries, 1);
	ck_assert_int_eq(bh_retry(stay.client, NULL, NULL, NULL, &answer), -EINVAL);
}
END_TEST

/* Answers to others come during the pause, and one may free everything. */
static void free_on_result(void *ctx, const struct bh_result *result)
{
	fake_on_result(ctx, result);
	stay.client = bh_free(stay.client);
}

START_TEST(freed_in_the_pause)
{
	static const struct bh_retry_policy slow = { .delay_ms = 60000 };
	static struct fake_tally t;
	Bh__Status status = BH__STATUS__INIT;
	struct script script = { .classes = { BH_CLASS_LINK_LOST }, .n = 1 };
	struct bh_answer answer;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_get_status(stay.client, NULL, free_on_result, &t), 0);
	fake_send(&stay.fake.control, BH__TYPE__STATUS,
		  fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__STATUS_REQUEST),
		  &status.base, -1);
	ck_assert_int_eq(bh_retry(stay.client, &slow, try, &script, &answer), -ECANCELED);
	ck_assert_uint_eq(script.tries, 1);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

Suite *suite_retry(void)
{
	Suite *suite = suite_create("retry");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, stay_set_up, stay_tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, until_it_works);
	tcase_add_test(all, gives_up);
	tcase_add_loop_test(all, what_is_no_connection_error, 1, CLASS_COUNT);
	tcase_add_test(all, which_are);
	tcase_add_test(all, limits);
	tcase_add_test(all, freed_in_the_pause);
	suite_add_tcase(suite, all);
	return suite;
}
