/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/dbus_addr.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Value up to ',' or ';', %-escapes undone. Its length, or -EINVAL. */
static int unescape(const char *from, char *to, size_t size)
{
	size_t len = 0;
	int high, low;

	for (; *from && *from != ',' && *from != ';'; from++) {
		if (len + 1 >= size)
			return -EINVAL;
		if (*from != '%') {
			to[len++] = *from;
			continue;
		}
		high = hex_digit(from[1]);
		low = high < 0 ? -1 : hex_digit(from[2]);
		if (low < 0)
			return -EINVAL;
		to[len++] = (char)(high << 4 | low);
		from += 2;
	}
	to[len] = '\0';
	return (int)len;
}

/* One "unix:key=value,key=value". */
static bool parse_entry(const char *entry, struct sockaddr_un *out, socklen_t *out_len)
{
	static const struct {
		const char *key;
		bool is_abstract;
	} FORMS[] = { { "path=", false }, { "abstract=", true } };
	const char *at = entry + strlen("unix:");
	size_t i;
	int len;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	while (at && *at && *at != ';') {
		for (i = 0; i < ARRAY_LEN(FORMS); i++)
			if (strncmp(at, FORMS[i].key, strlen(FORMS[i].key)) == 0)
				break;
		if (i < ARRAY_LEN(FORMS)) {
			size_t skip = FORMS[i].is_abstract;

			len = unescape(at + strlen(FORMS[i].key), out->sun_path + skip,
				       sizeof(out->sun_path) - skip);
			if (len <= 0)
				return false;
			*out_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					       (size_t)len);
			return true;
		}
		at += strcspn(at, ",;");
		at += *at == ',';
	}
	return false;
}

int dbus_addr_next(const char **list, struct sockaddr_un *out, socklen_t *out_len)
{
	const char *entry;

	while (**list) {
		entry = *list;
		*list += strcspn(*list, ";");
		*list += **list == ';';
		if (strncmp(entry, "unix:", 5) == 0 && parse_entry(entry, out, out_len))
			return DBUS_ADDR_OK;
	}
	return DBUS_ADDR_END;
}
