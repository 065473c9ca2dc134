package dev.comfyapi.api.secret;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// Seals secrets with AES-256-GCM before they are stored, under a key that is not in the database.
/// Thread-safe.
///
/// A sealed text says with which key: `v1.<key id>.<nonce and ciphertext>`. Without a configured
/// key it is `v0.<secret>`: whoever reads the database, or a backup of it, reads the secret.
@Component
public final class SealedSecrets {

    private static final Logger LOG = LoggerFactory.getLogger(SealedSecrets.class);
    private static final String OPEN = "v0";
    private static final String SEALED = "v1";
    private static final int NONCE = 12;
    private static final int TAG_BITS = 128;

    private final SecureRandom random = new SecureRandom();

    /// By id; the first one seals.
    private final Map<String, SecretKeySpec> keys = new LinkedHashMap<>();

    SealedSecrets(SecretsProperties properties) {
        for (var key : properties.keys()) {
            keys.put(id(key), new SecretKeySpec(key, "AES"));
        }
        if (keys.isEmpty()) {
            LOG.warn(
                    "Webhook secrets are stored unencrypted: set comfyapi.secrets.key or"
                            + " comfyapi.secrets.key-file");
        }
    }

    private static String id(byte[] key) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(key);
            return HexFormat.of().formatHex(digest, 0, 4);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /// @param purpose what the secret is for, such as the id of its row: a sealed text that was
    ///   moved elsewhere does not open there
    public String seal(byte[] secret, String purpose) {
        if (keys.isEmpty()) {
            return OPEN + "." + Base64.getEncoder().encodeToString(secret);
        }
        var key = keys.entrySet().iterator().next();
        var nonce = new byte[NONCE];
        random.nextBytes(nonce);
        var sealed = crypt(Cipher.ENCRYPT_MODE, key.getValue(), nonce, purpose, secret, 0);
        var whole = new byte[NONCE + sealed.length];
        System.arraycopy(nonce, 0, whole, 0, NONCE);
        System.arraycopy(sealed, 0, whole, NONCE, sealed.length);
        return "%s.%s.%s"
                .formatted(SEALED, key.getKey(), Base64.getEncoder().encodeToString(whole));
    }

    /// @throws IllegalStateException when the key is not configured, or the text was changed
    public byte[] open(String text, String purpose) {
        var parts = text.split("\\.", -1);
        if (parts.length == 2 && parts[0].equals(OPEN)) {
            return Base64.getDecoder().decode(parts[1]);
        }
        if (parts.length != 3 || !parts[0].equals(SEALED)) {
            throw new IllegalStateException("secret %s has no known form".formatted(purpose));
        }
        var key = keys.get(parts[1]);
        if (key == null) {
            throw new IllegalStateException(
                    "secret %s is sealed with the key %s, which is not configured: add it to comfyapi.secrets.former-keys"
                            .formatted(purpose, parts[1]));
        }
        var whole = Base64.getDecoder().decode(parts[2]);
        var nonce = java.util.Arrays.copyOf(whole, NONCE);
        return crypt(Cipher.DECRYPT_MODE, key, nonce, purpose, whole, NONCE);
    }

    private static byte[] crypt(
            int mode, SecretKeySpec key, byte[] nonce, String purpose, byte[] text, int from) {
        try {
            var cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(purpose.getBytes(StandardCharsets.UTF_8));
            return cipher.doFinal(text, from, text.length - from);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "secret %s does not open with its key: it was changed".formatted(purpose), e);
        }
    }
}
