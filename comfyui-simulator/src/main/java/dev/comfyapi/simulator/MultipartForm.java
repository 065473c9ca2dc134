package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/// A `multipart/form-data` body, taken apart.
final class MultipartForm {

    /// @param fileName null for a plain field
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    record Part(@Nullable String fileName, byte[] content) {
        String text() {
            return new String(content, StandardCharsets.UTF_8);
        }
    }

    private static final Pattern BOUNDARY = Pattern.compile("boundary=\"?([^\";]+)\"?");
    private static final Pattern NAME = Pattern.compile("[; ]name=\"([^\"]*)\"");
    private static final Pattern FILE_NAME = Pattern.compile("[; ]filename=\"([^\"]*)\"");

    private final Map<String, Part> parts = new LinkedHashMap<>();

    MultipartForm(@Nullable String contentType, byte[] body) {
        var boundary = BOUNDARY.matcher(contentType == null ? "" : contentType);
        if (!boundary.find()) {
            throw Python.valueError("no boundary in the content type");
        }
        var mark = ("--" + boundary.group(1)).getBytes(StandardCharsets.ISO_8859_1);
        var start = find(body, mark, 0);
        while (start >= 0) {
            var from = start + mark.length + 2;
            var end = find(body, mark, from);
            if (end < 0) {
                break;
            }
            add(Arrays.copyOfRange(body, from, Math.max(from, end - 2)));
            start = end;
        }
    }

    private void add(byte[] part) {
        var blank = find(part, new byte[] {'\r', '\n', '\r', '\n'}, 0);
        if (blank < 0) {
            return;
        }
        var head = new String(part, 0, blank, StandardCharsets.UTF_8);
        var name = NAME.matcher(head);
        var fileName = FILE_NAME.matcher(head);
        if (name.find()) {
            parts.put(
                    name.group(1),
                    new Part(
                            fileName.find() ? fileName.group(1) : null,
                            Arrays.copyOfRange(part, blank + 4, part.length)));
        }
    }

    private static int find(byte[] bytes, byte[] wanted, int from) {
        for (var i = from; i <= bytes.length - wanted.length; i++) {
            if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        return -1;
    }

    @Nullable Part part(String name) {
        return parts.get(name);
    }

    String text(String name, String otherwise) {
        var part = parts.get(name);
        return part == null ? otherwise : part.text();
    }
}
