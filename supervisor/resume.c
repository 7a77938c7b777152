/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/resume.h"

uint64_t resume_look(struct resume *resume, uint64_t boot_ms, uint64_t now_ms)
{
	uint64_t ahead_ms = boot_ms - now_ms;
	uint64_t slept_ms = ahead_ms - resume->ahead_ms;
	bool was_begun = resume->is_begun;

	/* In a time namespace BOOTTIME may be behind: only the change counts, modulo 2^64. */
	resume->is_begun = true;
	if (was_begun && (slept_ms < RESUME_MIN_MS || slept_ms > INT64_MAX))
		return 0;
	resume->ahead_ms = ahead_ms;
	if (!was_begun)
		return 0;
	resume->has_slept = resume->are_links_due = true;
	resume->at_ms = now_ms;
	return slept_ms;
}

bool resume_is_lenient(const struct resume *resume, uint64_t now_ms)
{
	return resume->has_slept && now_ms - resume->at_ms < RESUME_LENIENT_MS;
}

bool resume_links_due(struct resume *resume, uint64_t now_ms)
{
	if (!resume->are_links_due || now_ms - resume->at_ms < RESUME_LINKS_MS)
		return false;
	resume->are_links_due = false;
	return true;
}
