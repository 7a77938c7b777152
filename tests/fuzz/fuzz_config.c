/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A configuration file of anything: it is right or there is one line that says why not, and what
 * was right can be asked and is right again.
 */
#include "supervisor/config.h"
#include "tests/fuzz/feed.h"

#include <string.h>

static void ask(const struct config *config)
{
	static const struct uuid SERVICE = { { 0, 0, 0x18, 0x0f } };
	struct pattern_device who = {
		.address = 0xc0aabb000001u, .name = "thing", .services = &SERVICE, .n_services = 1
	};
	struct device_rule rule;

	device_rules_of(&config->devices, &who, &rule);
	(void)device_rule_is_kept(&rule);
	MUST(rule.n_fixed <= DEVICE_RULES_FIXED_MAX);
	MUST(memchr(rule.profile, '\0', sizeof(rule.profile)));
	MUST(config->restart_base_ms <= config->restart_max_ms);
	MUST(profiles_find(&config->profiles, config->profiles.chosen));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char error[CONFIG_ERROR_LEN] = "";
	char *text;

	if (size > CONFIG_FILE_MAX)
		return 0;
	text = malloc(size + 1);
	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	config_defaults(&config);
	if (config_parse(&config, text, "f", error) == 0)
		ask(&config);
	else
		MUST(error[0] != '\0' && memchr(error, '\0', sizeof(error)));
	free(text);
	return 0;
}
