/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/symbols.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>

static void name_places(Elf *elf, size_t strings, const GElf_Sym *symbol,
			struct symbols_place *places, size_t n)
{
	const char *name;
	size_t i;

	if (GELF_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_value == 0)
		return;
	for (i = 0; i < n; i++) {
		if (places[i].offset < symbol->st_value ||
		    places[i].offset - symbol->st_value >= symbol->st_size || places[i].name[0])
			continue;
		name = elf_strptr(elf, strings, symbol->st_name);
		if (name)
			(void)snprintf(places[i].name, SYMBOLS_NAME_LEN, "%.40s+0x%llx", name,
				       (unsigned long long)(places[i].offset - symbol->st_value));
	}
}

static void walk(Elf *elf, struct symbols_place *places, size_t n)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;
	Elf_Data *data;
	int i;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (i = 0; data && gelf_getsym(data, i, &symbol); i++)
			name_places(elf, header.sh_link, &symbol, places, n);
	}
}

void symbols_resolve(int binary_fd, struct symbols_place *places, size_t n)
{
	_cleanup_close_ int fd = -EBADF;
	char path[32];
	size_t i;
	Elf *elf;

	for (i = 0; i < n; i++)
		places[i].name[0] = '\0';
	/* O_PATH is enough for execution, not for reading. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", binary_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || n == 0 || elf_version(EV_CURRENT) == EV_NONE)
		return;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return;
	walk(elf, places, n);
	(void)elf_end(elf);
}
