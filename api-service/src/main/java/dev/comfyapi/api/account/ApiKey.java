package dev.comfyapi.api.account;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/// The text of an API key: `cas_live_`, ten characters that find it, `_`, 43 secret ones, and a
/// checksum of six by which scanners and clients tell a key from a typing mistake.
///
/// It is in memory while a request is checked or a new key is shown, and nowhere else.
record ApiKey(String text) {

    private static final String DIGITS =
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final int LOOKUP = 10;
    private static final int SECRET = 43;
    private static final int CHECKSUM = 6;
    private static final int LAST = 4;
    private static final Pattern FORM =
            Pattern.compile("cas_[a-z0-9]{1,10}_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}");
    private static final SecureRandom RANDOM = new SecureRandom();

    /// 59 bits that find it, and 256 that nobody guesses.
    static ApiKey random(String environment) {
        var start = "cas_%s_%s_%s".formatted(environment, random(LOOKUP), random(SECRET));
        return new ApiKey(start + checksum(start));
    }

    /// Empty when it has not the form of a key, or the checksum does not fit.
    static Optional<ApiKey> parse(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.empty();
        }
        int end = text.length() - CHECKSUM;
        return checksum(text.substring(0, end)).equals(text.substring(end))
                ? Optional.of(new ApiKey(text))
                : Optional.empty();
    }

    String lookup() {
        int from = text.indexOf('_', "cas_".length()) + 1;
        return text.substring(from, from + LOOKUP);
    }

    /// Of the secret, to tell keys apart.
    String lastFour() {
        int end = text.length() - CHECKSUM;
        return text.substring(end - LAST, end);
    }

    private static String random(int length) {
        var digits = new StringBuilder();
        for (int i = 0; i < length; i++) {
            digits.append(DIGITS.charAt(RANDOM.nextInt(DIGITS.length())));
        }
        return digits.toString();
    }

    /// CRC-32 in base 62.
    private static String checksum(String start) {
        var crc = new CRC32();
        crc.update(start.getBytes(StandardCharsets.US_ASCII));
        long left = crc.getValue();
        var digits = new StringBuilder();
        for (int i = 0; i < CHECKSUM; i++) {
            digits.insert(0, DIGITS.charAt((int) (left % DIGITS.length())));
            left /= DIGITS.length();
        }
        return digits.toString();
    }

    /// Keys end up in messages of exceptions easily; this one does not.
    @Override
    public String toString() {
        return "ApiKey " + lookup();
    }
}
