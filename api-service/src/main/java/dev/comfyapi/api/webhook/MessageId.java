package dev.comfyapi.api.webhook;

import java.math.BigInteger;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/// How the id of a message is written: `msg_` and 32 hex digits. Pure.
final class MessageId {

    private static final Pattern FORM = Pattern.compile("msg_[0-9a-f]{32}");

    private MessageId() {}

    static String of(UUID id) {
        return "msg_" + id.toString().replace("-", "");
    }

    static Optional<UUID> parse(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.empty();
        }
        var number = new BigInteger(text.substring(4), 16);
        return Optional.of(new UUID(number.shiftRight(Long.SIZE).longValue(), number.longValue()));
    }
}
