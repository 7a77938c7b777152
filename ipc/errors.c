/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/errors.h"

#include <stdio.h>
#include <string.h>

#include "ipc/errors_table.h"

static const struct errors_table *const T = &ERRORS_TABLE;

enum err_class class_from_wire(int number)
{
	return number >= 0 && number < CLASS_COUNT ? (enum err_class)number : CLASS_INTERNAL;
}

const char *class_name(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].name;
}

const char *class_advice(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].advice;
}

uint32_t errors_backoff(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].backoff;
}

enum errors_count errors_counts(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].counts;
}

enum errors_step errors_step(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].step;
}

bool errors_is_vague(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].is_vague;
}

bool errors_is_connection(enum err_class class)
{
	return T->classes[class_from_wire((int)class)].is_connection;
}

/* --- D-Bus --- */

/* "Operation failed with ATT error: 0x0e"; CLASS_NONE if that is not the text. */
static enum err_class from_att(const char *text)
{
	const char *at = strstr(text, "ATT error: 0x");
	unsigned code;
	size_t i;

	if (!at || sscanf(at, "ATT error: 0x%2x", &code) != 1)
		return CLASS_NONE;
	for (i = 0; i < T->n_att; i++)
		if (T->att[i].code == code)
			return T->att[i].class;
	return CLASS_GATT_REFUSED;
}

static bool holds(unsigned when, const struct errors_context *context)
{
	if ((when & ERRORS_WHEN_CALLS) != 0 && !(when & 1u << context->call))
		return false;
	if ((when & ERRORS_WHILE_DISCOVERING) && !context->is_discovering)
		return false;
	return !(when & ERRORS_WHILE_ON_DEVICE) || context->is_connecting || context->is_bonding;
}

enum err_class errors_from_dbus(const char *name, const char *text,
				const struct errors_context *context)
{
	enum err_class class;
	size_t i;

	name = name ? name : "";
	text = text ? text : "";
	class = from_att(text);
	if (class != CLASS_NONE)
		return class;
	for (i = 0; i < T->n_dbus; i++)
		if (holds(T->dbus[i].when, context) &&
		    (!T->dbus[i].name || strcmp(T->dbus[i].name, name) == 0) &&
		    (!T->dbus[i].text || strstr(text, T->dbus[i].text)))
			return T->dbus[i].class;
	return CLASS_INTERNAL;
}

bool errors_is_busy(const char *name, const char *text)
{
	if (name && strcmp(name, "org.bluez.Error.InProgress") == 0)
		return true;
	return text && (strstr(text, "already in progress") || strstr(text, "In Progress"));
}

/* --- errno --- */

enum err_class errors_from_errno(int error)
{
	size_t i;

	for (i = 0; i < T->n_errnos; i++)
		if (T->errnos[i].error == error)
			return T->errnos[i].class;
	return CLASS_INTERNAL;
}

/* --- ESPHome --- */

enum err_class errors_from_esphome(const char *text)
{
	size_t i;

	for (i = 0; text && i < T->n_esphome; i++)
		if (strstr(text, T->esphome[i].text))
			return T->esphome[i].class;
	return CLASS_INTERNAL;
}

/* --- the kernel --- */

enum err_class errors_from_mgmt(uint8_t status)
{
	return status < T->n_mgmt ? T->mgmt[status].class : CLASS_INTERNAL;
}

enum err_class errors_from_mgmt_reason(uint8_t reason)
{
	return reason < T->n_reasons ? T->reasons[reason].class : CLASS_LINK_LOST;
}

enum err_class errors_from_hci(uint8_t reason)
{
	if (reason == 0)
		return CLASS_NONE;
	if (reason >= T->n_hci || T->hci[reason] == CLASS_NONE)
		return CLASS_INTERNAL;
	return T->hci[reason];
}

static bool is_telling(const struct errors_cause *cause)
{
	return cause->status != 0 &&
	       cause->status < (cause->is_disconnect ? T->n_reasons : T->n_mgmt);
}

bool errors_tells_more(enum err_class class, const char *text, const struct errors_cause *cause)
{
	if (!errors_is_vague(class) || !is_telling(cause))
		return false;
	/* Somebody called Disconnect: the kernel says "timeout" of that (lab-facts.md). */
	return cause->is_disconnect || !strstr(text, "connection-canceled");
}

enum err_class errors_cause_class(const struct errors_cause *cause)
{
	return cause->is_disconnect ? errors_from_mgmt_reason(cause->status)
				    : errors_from_mgmt(cause->status);
}

const char *errors_cause_text(const struct errors_cause *cause)
{
	if (!is_telling(cause))
		return "";
	return cause->is_disconnect ? T->reasons[cause->status].text : T->mgmt[cause->status].text;
}
