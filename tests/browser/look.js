/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tests/browser/look.js - what is wrong with how a page looks, as a list of sentences. Evaluated in
 * the page by tests/browser/run; takes {width, sections, media}.
 */
(({width, sections, media}) => {
	const TEXT_PX = 12, TEXT_CONTRAST = 4.5, LINE_CONTRAST = 3; /* WCAG 2.1: 1.4.3, 1.4.11 */
	const GREY_CONTRAST = 2; /* of two fills that nothing else tells apart */
	const found = new Set();
	const quote = text => JSON.stringify(text.trim().slice(0, 40));

	/* Colours: "rgb(r, g, b)" or "rgba(r, g, b, a)" as computed styles have them. */
	const parse = text => {
		const n = (text.match(/[\d.]+/g) || []).map(Number);
		return {r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1, is: n.length >= 3};
	};
	const luminance = c => {
		const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
		return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b);
	};
	const contrast = (a, b) => {
		const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
		return (x + 0.05) / (y + 0.05);
	};
	const behind = element => {
		for (let e = element; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.is && c.a === 1)
				return c;
		}
		return parse("rgb(255, 255, 255)");
	};
	const isShown = e => e.checkVisibility() && getComputedStyle(e).visibility === "visible" &&
		Number(getComputedStyle(e).opacity) > 0;

	/* Every piece of text that can be seen: its element and where it stands. */
	const texts = root => {
		const list = [];
		const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
		for (let n; (n = walk.nextNode());) {
			const e = n.parentElement;
			if (!n.data.trim() || e.closest("title,style") || !isShown(e))
				continue;
			const range = document.createRange();
			range.selectNodeContents(n);
			const rects = e instanceof SVGElement ? [e.getBoundingClientRect()] :
				[...range.getClientRects()];
			for (const rect of rects)
				list.push({element: e, text: n.data, rect});
		}
		return list;
	};

	if (document.documentElement.scrollWidth > width)
		found.add(`it is ${document.documentElement.scrollWidth} px wide in a window of ${width}`);

	for (const id of sections) {
		const e = document.getElementById(id);
		const heading = e && e.querySelector("h1,h2,h3");
		if (!e || !isShown(e) || e.getBoundingClientRect().height < 20)
			found.add(`the part "${id}" is not there or not visible`);
		else if (!heading || !heading.textContent.trim() || !isShown(heading))
			found.add(`the part "${id}" has no heading`);
	}

	for (const {element, text, rect} of texts(document.body)) {
		const style = getComputedStyle(element);
		const isSvg = element instanceof SVGElement;
		const ctm = isSvg ? element.getScreenCTM() : null;
		const scale = ctm ? Math.min(Math.hypot(ctm.a, ctm.b), Math.hypot(ctm.c, ctm.d)) : 1;
		const size = parseFloat(style.fontSize) * scale;
		const ratio = contrast(parse(isSvg ? style.fill : style.color), behind(element));

		if (size < TEXT_PX)
			found.add(`${quote(text)} is only ${size.toFixed(1)} px high`);
		if (ratio < TEXT_CONTRAST)
			found.add(`${quote(text)} has a contrast of only ${ratio.toFixed(2)}:1`);
		if (!element.closest(".scroll,.trace") && (rect.right > width + 1 || rect.left < -1))
			found.add(`${quote(text)} is cut at the edge of the window`);
	}

	/* In a figure no two texts stand in each other's place, and none is beyond the figure. */
	for (const figure of document.querySelectorAll(".row,.cards>div")) {
		const all = texts(figure);
		const box = figure.getBoundingClientRect();
		all.forEach((a, i) => {
			if (a.rect.left < box.left - 2 || a.rect.right > box.right + 2 ||
			    a.rect.bottom > box.bottom + 10)
				found.add(`${quote(a.text)} is beyond its figure`);
			for (const b of all.slice(i + 1)) {
				const x = Math.min(a.rect.right, b.rect.right) -
					Math.max(a.rect.left, b.rect.left);
				const y = Math.min(a.rect.bottom, b.rect.bottom) -
					Math.max(a.rect.top, b.rect.top);
				/* Lines of text overlap a little in height by themselves. */
				if (x > 1 && y > 4)
					found.add(`${quote(a.text)} and ${quote(b.text)} overlap`);
			}
		});
	}

	/* A curve is there when it has a size on the screen. */
	for (const path of document.querySelectorAll(".plot path")) {
		const style = getComputedStyle(path);
		const paint = style.stroke !== "none" ? style.stroke : style.fill;
		const name = path.getAttribute("class") || path.parentElement.getAttribute("class");
		const background = ["band", "after", "answered", "halo"].includes(name);

		if (!background && contrast(parse(paint), behind(path)) < LINE_CONTRAST)
			found.add(`the line "${name}" can hardly be seen`);
	}
	for (const plot of document.querySelectorAll(".plot"))
		if (plot.getBoundingClientRect().width < 100)
			found.add(`the chart "${plot.getAttribute("aria-label")}" is too narrow`);

	/* What a legend tells apart is told apart without colours, too. */
	for (const legend of document.querySelectorAll(".legend")) {
		const looks = [...legend.querySelectorAll("path")].map(p => {
			const s = getComputedStyle(p);
			return {shape: [s.strokeDasharray, s.strokeWidth, s.strokeLinecap,
					p.getAttribute("d")].join(),
				fill: s.fill === "none" ? null : parse(s.fill)};
		});
		looks.forEach((a, i) => {
			for (const b of looks.slice(i + 1))
				if (a.fill && b.fill ? contrast(a.fill, b.fill) < GREY_CONTRAST :
				    !a.fill && !b.fill && a.shape === b.shape)
					found.add("two entries of a legend differ by their colour alone");
		});
	}

	if (media === "print" && getComputedStyle(document.documentElement).colorScheme &&
	    luminance(behind(document.body)) < 0.9)
		found.add("it would be printed on a dark ground");
	return [...found];
})
