package dev.comfyapi.model.generation;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Patterns of file names, such as `*flux*schnell*`: `*` is any text, `?` any character; case does
/// not matter. A pattern fits a file by its path in the model folder, or by its name alone.
final class FileNamePatterns {

    private final List<Pattern> patterns;

    FileNamePatterns(List<String> globs) {
        this.patterns = globs.stream().map(FileNamePatterns::compiled).toList();
    }

    private static Pattern compiled(String glob) {
        var regex =
                glob.strip()
                        .codePoints()
                        .mapToObj(c ->
                                switch (c) {
                                    case '*' -> ".*";
                                    case '?' -> ".";
                                    default -> Pattern.quote(Character.toString(c));
                                })
                        .collect(Collectors.joining());
        return Pattern.compile(
                regex, Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE | Pattern.DOTALL);
    }

    /// The patterns, each of its own, in their order.
    List<Pattern> inOrder() {
        return patterns;
    }

    boolean fit(String path) {
        return patterns.stream().anyMatch(pattern -> fits(pattern, path));
    }

    static boolean fits(Pattern pattern, String path) {
        return pattern.matcher(path).matches() || pattern.matcher(nameOf(path)).matches();
    }

    private static String nameOf(String path) {
        int slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
        return path.substring(slash + 1);
    }
}
