package dev.comfyapi.artifact;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Links to files that anybody who has them can use, until they expire. Thread-safe.
///
/// HMAC-SHA256 (RFC 2104) over the path and the time of expiry.
public final class SignedLinks {

    private final SecretKeySpec key;

    /// @param key at least 32 bytes, the same on every API instance
    public SignedLinks(byte[] key) {
        if (key.length < 32) {
            throw new IllegalArgumentException("the key for links needs at least 32 bytes");
        }
        this.key = new SecretKeySpec(key, "HmacSHA256");
    }

    /// Path and query of a link, starting with `/files/`.
    public String sign(ArtifactKey artifact, Instant expires) {
        long seconds = expires.getEpochSecond();
        return "/files/%s?expires=%d&signature=%s"
                .formatted(artifact, seconds, signature(artifact.path(), seconds));
    }

    /// Whether this server made the link and it has not expired.
    public boolean isValid(String path, long expires, String signature, Instant now) {
        return now.getEpochSecond() <= expires
                && MessageDigest.isEqual(
                        signature(path, expires).getBytes(StandardCharsets.US_ASCII),
                        signature.getBytes(StandardCharsets.UTF_8));
    }

    private String signature(String path, long expires) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            var signed = mac.doFinal((path + "\n" + expires).getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(signed);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HMAC-SHA256", e);
        }
    }
}
