package dev.comfyapi.simulator;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Writes text into pictures with letters of its own, so that no font has to be installed.
///
/// Letters are dots on a grid of eight rows; enlarged, their edges are smoothed.
final class Lettering {

    static final int LINE = 10;

    private static final int ROWS = 8;

    /// Five columns a letter from space to tilde, two hexadecimal digits a column, the lowest bit
    /// on top.
    private static final String LETTERS =
            """
            0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649562050 0000030000
            001C224100 0041221C00 14083E0814 08083E0808 0050300000 0808080808 0060600000 2010080402
            3E5149453E 00427F4000 4261514946 2141454B31 1814127F10 2745454539 3C4A494930 0171090503
            3649494936 064949291E 0036360000 0056360000 0814224100 1414141414 0041221408 0201510906
            324979413E 7E1111117E 7F49494936 3E41414122 7F4141221C 7F49494941 7F09090901 3E4149497A
            7F0808087F 00417F4100 2040413F01 7F08142241 7F40404040 7F020C027F 7F0408107F 3E4141413E
            7F09090906 3E4151215E 7F09192946 4649494931 01017F0101 3F4040403F 1F2040201F 3F4038403F
            6314081463 0708700807 6151494543 007F414100 0204081020 0041417F00 0402010204 4040404040
            0001020400 2054545478 7F48444438 3844444420 384444487F 3854545418 087E090102 18A4A4A47C
            7F08040478 00447D4000 4080847D00 7F10284400 00417F4000 7C04180478 7C08040478 3844444438
            FC24242418 18242428FC 7C08040408 4854545420 043F444020 3C4040207C 1C2040201C 3C4030403C
            4428102844 1CA0A0A07C 4464544C44 0008364100 00007F0000 0041360800 0804081008
            """;

    private static final int[] UNKNOWN = {0x7E, 0x42, 0x42, 0x42, 0x7E};

    private final Map<Integer, int[]> letters = new HashMap<>();

    Lettering() {
        var code = (int) ' ';
        for (var columns : LETTERS.strip().split("\\s+", -1)) {
            letters.put(code++, trimmed(columns));
        }
        letters.put((int) ' ', new int[3]);
        letters.put((int) '·', new int[] {0x08});
        letters.put((int) '×', new int[] {0x44, 0x28, 0x10, 0x28, 0x44});
        letters.put((int) '…', new int[] {0x40, 0, 0x40, 0, 0x40});
    }

    private static int[] trimmed(String hex) {
        var columns = new ArrayList<Integer>();
        for (var i = 0; i < hex.length(); i += 2) {
            columns.add(Integer.parseInt(hex, i, i + 2, 16));
        }
        while (columns.size() > 1 && columns.getLast() == 0) {
            columns.removeLast();
        }
        while (columns.size() > 1 && columns.getFirst() == 0) {
            columns.removeFirst();
        }
        return columns.stream().mapToInt(Integer::intValue).toArray();
    }

    /// The text with accents dropped and typographic signs made plain, as far as there are letters
    /// for it.
    static String plain(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFD)
                .replaceAll("\\p{M}+", "")
                .replaceAll("[‘’‚′]", "'")
                .replaceAll("[“”„″]", "\"")
                .replaceAll("[‐-―]", "-")
                .replace("ß", "ss")
                .replaceAll("\\s+", " ")
                .strip();
    }

    /// How many dots wide a line is.
    int width(String line) {
        return line.codePoints().map(code -> letter(code).length + 1).sum();
    }

    private int[] letter(int code) {
        return letters.getOrDefault(code, UNKNOWN);
    }

    /// Breaks a text into at most so many lines of so many dots; what does not fit ends in an
    /// ellipsis.
    List<String> wrap(String text, int dots, int maxLines) {
        var lines = new ArrayList<String>();
        var line = new StringBuilder();
        for (var word : text.split(" ", -1)) {
            var rest = word;
            if (!line.isEmpty() && width(line + " " + rest) > dots) {
                lines.add(line.toString());
                line.setLength(0);
            }
            while (line.isEmpty() && width(rest) > dots && rest.length() > 1) {
                var cut = fitting(rest, dots);
                lines.add(rest.substring(0, cut));
                rest = rest.substring(cut);
            }
            line.append(line.isEmpty() ? "" : " ").append(rest);
        }
        if (!line.isEmpty()) {
            lines.add(line.toString());
        }
        if (lines.size() <= maxLines) {
            return lines;
        }
        // The last line takes as much of the rest as fits, in the middle of a word if need be.
        var shown = new ArrayList<>(lines.subList(0, Math.max(1, maxLines)));
        var rest = String.join(" ", lines.subList(shown.size() - 1, lines.size()));
        shown.removeLast();
        var cut = Math.min(rest.length(), fitting(rest, dots - width("…")));
        shown.add(rest.substring(0, cut).strip() + "…");
        return shown;
    }

    private int fitting(String word, int dots) {
        var cut = 1;
        while (cut < word.length() && width(word.substring(0, cut + 1)) <= dots) {
            cut++;
        }
        return cut;
    }

    /// Writes one line with its top left corner at a place, `scale` pixels a dot.
    void write(
            String line,
            int[] rgb,
            int width,
            int height,
            int left,
            int top,
            int scale,
            int color) {
        var x = left;
        for (var code : line.codePoints().toArray()) {
            var columns = letter(code);
            draw(columns, rgb, width, height, x, top, scale, color);
            x += (columns.length + 1) * scale;
        }
    }

    private static void draw(
            int[] columns,
            int[] rgb,
            int width,
            int height,
            int left,
            int top,
            int scale,
            int color) {
        var margin = scale / 2;
        for (var y = -margin; y < ROWS * scale + margin; y++) {
            for (var x = -margin; x < columns.length * scale + margin; x++) {
                var px = left + x;
                var py = top + y;
                if (px < 0 || py < 0 || px >= width || py >= height) {
                    continue;
                }
                var ink = scale == 1 ? dot(columns, x, y) : smooth(columns, x, y, scale);
                if (ink > 0) {
                    rgb[py * width + px] = Picture.mix(rgb[py * width + px], color, ink);
                }
            }
        }
    }

    /// Between the middles of four dots the ink changes gradually; where it is half, the edge runs.
    private static float smooth(int[] columns, int x, int y, int scale) {
        var fx = (x + 0.5f) / scale - 0.5f;
        var fy = (y + 0.5f) / scale - 0.5f;
        var column = (int) Math.floor(fx);
        var row = (int) Math.floor(fy);
        var dx = fx - column;
        var dy = fy - row;
        var above = dot(columns, column, row) * (1 - dx) + dot(columns, column + 1, row) * dx;
        var below =
                dot(columns, column, row + 1) * (1 - dx) + dot(columns, column + 1, row + 1) * dx;
        var ink = above * (1 - dy) + below * dy;
        var sharpness = Math.max(1.5f, scale * 0.9f);
        return Math.clamp((ink - 0.42f) * sharpness + 0.5f, 0f, 1f);
    }

    private static float dot(int[] columns, int column, int row) {
        return column >= 0
                        && column < columns.length
                        && row >= 0
                        && row < ROWS
                        && (columns[column] >> row & 1) == 1
                ? 1
                : 0;
    }
}
