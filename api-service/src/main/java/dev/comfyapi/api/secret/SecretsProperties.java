package dev.comfyapi.api.secret;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/// With what stored secrets are sealed.
///
/// @param key 32 bytes in base64; the same for all API instances
/// @param keyFile a file with such a key, instead
/// @param formerKeys keys that were used before: what they sealed can still be read
@ConfigurationProperties("comfyapi.secrets")
record SecretsProperties(
        @Nullable String key, @Nullable Path keyFile, @DefaultValue List<String> formerKeys) {

    private static final int BYTES = 32;

    SecretsProperties {
        formerKeys = List.copyOf(formerKeys);
        if (key != null && !key.isBlank() && keyFile != null) {
            throw new IllegalArgumentException(
                    "comfyapi.secrets.key and comfyapi.secrets.key-file are both set; leave one out");
        }
    }

    /// The key to seal with first, then the former ones; empty when there is none.
    List<byte[]> keys() {
        var keys = new ArrayList<byte[]>();
        if (keyFile != null) {
            try {
                keys.add(decoded("comfyapi.secrets.key-file", Files.readString(keyFile)));
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "comfyapi.secrets.key-file (%s) cannot be read".formatted(keyFile), e);
            }
        } else if (key != null && !key.isBlank()) {
            keys.add(decoded("comfyapi.secrets.key", key));
        } else if (!formerKeys.isEmpty()) {
            throw new IllegalArgumentException(
                    "comfyapi.secrets.former-keys are set without a key to seal with");
        }
        for (var former : formerKeys) {
            keys.add(decoded("comfyapi.secrets.former-keys", former));
        }
        return keys;
    }

    private static byte[] decoded(String property, String text) {
        try {
            var bytes = Base64.getDecoder().decode(text.strip());
            if (bytes.length == BYTES) {
                return bytes;
            }
        } catch (IllegalArgumentException _) {
            // Said below; the text itself is nothing for a log.
        }
        throw new IllegalArgumentException(
                "%s must be %d bytes in base64, as openssl rand -base64 %d makes them"
                        .formatted(property, BYTES, BYTES));
    }
}
