package dev.comfyapi.api.asset;

import java.text.Normalizer;
import java.util.Optional;

/// What a client calls its file, made fit to be shown. It is never part of a path.
final class DisplayName {

    private static final int LONGEST = 200;

    private DisplayName() {}

    /// The last part of a path, without characters that are not seen or that turn a text around;
    /// empty when nothing is left.
    static Optional<String> of(String given) {
        var last = given.substring(Math.max(given.lastIndexOf('/'), given.lastIndexOf('\\')) + 1);
        var shown = new StringBuilder();
        last.codePoints()
                .filter(DisplayName::isShown)
                .limit(LONGEST)
                .forEach(shown::appendCodePoint);
        var name = Normalizer.normalize(shown, Normalizer.Form.NFC).strip();
        return name.isEmpty() || name.matches("[. ]+") || name.length() > 255
                ? Optional.empty()
                : Optional.of(name);
    }

    private static boolean isShown(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.UNASSIGNED,
                    Character.PRIVATE_USE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            default -> true;
        };
    }
}
