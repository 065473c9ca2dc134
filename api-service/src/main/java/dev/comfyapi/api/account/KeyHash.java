package dev.comfyapi.api.account;

import dev.comfyapi.db.secret.SecretStore;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Hashes keys with HMAC-SHA256 under a pepper that is not where the hashes are, if the operator
/// sets one. A key has 256 random bits, so nothing slower is needed; the ten characters that find
/// it are part of the hashed text and make equal secrets differ. Thread-safe.
@Component
final class KeyHash {

    private final AuthProperties properties;
    private final SecretStore secrets;
    private volatile @Nullable SecretKeySpec pepper;

    KeyHash(AuthProperties properties, SecretStore secrets) {
        this.properties = properties;
        this.secrets = secrets;
    }

    byte[] of(ApiKey key) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(pepper());
            return mac.doFinal(key.text().getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HMAC-SHA256", e);
        }
    }

    /// Read when it is first needed: the database may come later than this service.
    private SecretKeySpec pepper() {
        var known = pepper;
        if (known == null) {
            var configured = properties.pepper();
            var bytes =
                    configured == null
                            ? secrets.get("api-keys")
                            : configured.getBytes(StandardCharsets.UTF_8);
            known = new SecretKeySpec(bytes, "HmacSHA256");
            pepper = known;
        }
        return known;
    }
}
