package dev.comfyapi.api.asset;

import java.util.Base64;
import java.util.Optional;

/// A small file inside a URL. What type it claims to be does not count.
final class DataUrl {

    /// Of the file, in bytes.
    static final int LARGEST = 256 << 10;

    private static final String SCHEME = "data:";
    private static final String ENCODING = ";base64";

    private DataUrl() {}

    static boolean is(String text) {
        return text.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
    }

    /// Whether the file is too large, told without decoding it.
    static boolean isTooLarge(String url) {
        return url.length() - url.indexOf(',') - 1 > (LARGEST + 2) / 3 * 4;
    }

    /// Empty when it is no data URL with base64.
    static Optional<byte[]> decode(String url) {
        int comma = url.indexOf(',');
        if (!is(url)
                || comma < ENCODING.length()
                || !url.regionMatches(
                        true, comma - ENCODING.length(), ENCODING, 0, ENCODING.length())) {
            return Optional.empty();
        }
        try {
            return Optional.of(Base64.getDecoder().decode(url.substring(comma + 1)));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
