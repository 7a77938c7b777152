/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_device_health.c - F63: a script of checks and marks gives this trace.
 */
#include <check.h>

#include "supervisor/device_health.h"

Suite *suite_device_health(void);

enum { FAILS, WORKS, MARK_HEALTHY, MARK_UNHEALTHY, MARK_UNKNOWN };

struct line {
	int what;
	enum health_state state;
	bool is_news;
};

static void play(const struct line *script, size_t n)
{
	struct device_health health = DEVICE_HEALTH_INIT;
	bool is_news;
	size_t i;

	for (i = 0; i < n; i++) {
		if (script[i].what == FAILS || script[i].what == WORKS)
			is_news = device_health_note(&health, script[i].what == WORKS);
		else if (script[i].what == MARK_UNKNOWN)
			is_news = device_health_mark(&health, HEALTH_UNKNOWN);
		else
			is_news = device_health_mark(&health, script[i].what == MARK_HEALTHY
								      ? HEALTH_HEALTHY
								      : HEALTH_UNHEALTHY);
		ck_assert_msg(health.state == script[i].state && is_news == script[i].is_news,
			      "step %zu: %s", i + 1, health_state_name(health.state));
	}
}

START_TEST(test_script)
{
	static const struct line SCRIPT[20] = {
		{ WORKS, HEALTH_HEALTHY, true },    { WORKS, HEALTH_HEALTHY, false },
		{ FAILS, HEALTH_HEALTHY, false },   { WORKS, HEALTH_HEALTHY, false },
		{ FAILS, HEALTH_HEALTHY, false },   { FAILS, HEALTH_DEGRADED, true },
		{ FAILS, HEALTH_DEGRADED, false },  { FAILS, HEALTH_DEGRADED, false },
		{ FAILS, HEALTH_UNHEALTHY, true },  { FAILS, HEALTH_UNHEALTHY, false },
		{ WORKS, HEALTH_UNHEALTHY, false }, { WORKS, HEALTH_UNHEALTHY, false },
		{ FAILS, HEALTH_UNHEALTHY, false }, { WORKS, HEALTH_UNHEALTHY, false },
		{ WORKS, HEALTH_UNHEALTHY, false }, { WORKS, HEALTH_HEALTHY, true },
		{ FAILS, HEALTH_HEALTHY, false },   { FAILS, HEALTH_DEGRADED, true },
		{ WORKS, HEALTH_DEGRADED, false },  { WORKS, HEALTH_DEGRADED, false },
	};

	play(SCRIPT, ARRAY_LEN(SCRIPT));
}
END_TEST

/* What follows a mark counts from there; one that changes nothing is no news. */
START_TEST(test_marks)
{
	static const struct line SCRIPT[] = {
		{ FAILS, HEALTH_UNKNOWN, false },	    { FAILS, HEALTH_DEGRADED, true },
		{ MARK_HEALTHY, HEALTH_HEALTHY, true },	    { MARK_HEALTHY, HEALTH_HEALTHY, false },
		{ FAILS, HEALTH_HEALTHY, false },	    { FAILS, HEALTH_DEGRADED, true },
		{ MARK_UNHEALTHY, HEALTH_UNHEALTHY, true }, { FAILS, HEALTH_UNHEALTHY, false },
		{ FAILS, HEALTH_UNHEALTHY, false },	    { WORKS, HEALTH_UNHEALTHY, false },
		{ WORKS, HEALTH_UNHEALTHY, false },	    { WORKS, HEALTH_HEALTHY, true },
		{ MARK_UNKNOWN, HEALTH_UNKNOWN, true },	    { WORKS, HEALTH_HEALTHY, true },
	};

	play(SCRIPT, ARRAY_LEN(SCRIPT));
}
END_TEST

Suite *suite_device_health(void)
{
	Suite *suite = suite_create("device_health");
	TCase *tcase = tcase_create("device_health");

	tcase_add_test(tcase, test_script);
	tcase_add_test(tcase, test_marks);
	suite_add_tcase(suite, tcase);
	return suite;
}
