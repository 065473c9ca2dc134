package dev.comfyapi.api.webhook;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;
import java.util.Base64;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// A key that signs messages as Standard Webhooks 1.0.0 has it. Thread-safe.
///
/// What is signed is `id.timestamp.body`, byte for byte what is sent.
sealed interface SigningKey {

    int BYTES = 32;

    /// `v1,…` or `v1a,…`.
    String sign(String id, long timestamp, String body);

    /// What the receiver needs to know: `whsec_…` is secret, `whpk_…` is not.
    String forReceiver();

    /// What has to be stored: 32 bytes.
    byte[] secret();

    private static byte[] signed(String id, long timestamp, String body) {
        return "%s.%d.%s".formatted(id, timestamp, body).getBytes(StandardCharsets.UTF_8);
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    /// HMAC-SHA256: both sides have the same key.
    final class Hmac implements SigningKey {

        private final byte[] key;

        Hmac(byte[] key) {
            this.key = key.clone();
        }

        static Hmac random() {
            var key = new byte[BYTES];
            new SecureRandom().nextBytes(key);
            return new Hmac(key);
        }

        @Override
        public String sign(String id, long timestamp, String body) {
            try {
                var mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(key, "HmacSHA256"));
                return "v1," + base64(mac.doFinal(signed(id, timestamp, body)));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has HMAC-SHA256", e);
            }
        }

        @Override
        public String forReceiver() {
            return "whsec_" + base64(key);
        }

        @Override
        public byte[] secret() {
            return key.clone();
        }
    }

    /// Ed25519: the receiver has only the public key, and cannot sign itself.
    final class Ed25519 implements SigningKey {

        private final byte[] seed;
        private final String publicKey;
        private final PrivateKey key;

        /// @param publicKey `whpk_…`
        Ed25519(byte[] seed, String publicKey) {
            this.seed = seed.clone();
            this.publicKey = publicKey;
            try {
                key =
                        KeyFactory.getInstance("Ed25519")
                                .generatePrivate(
                                        new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has Ed25519", e);
            }
        }

        static Ed25519 random() {
            try {
                var pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
                var seed =
                        ((EdECPrivateKey) pair.getPrivate())
                                .getBytes()
                                .orElseThrow(() ->
                                        new IllegalStateException("a fresh key has its seed"));
                // X.509 puts a fixed head before the raw key.
                var encoded = pair.getPublic().getEncoded();
                var raw = Arrays.copyOfRange(encoded, encoded.length - BYTES, encoded.length);
                return new Ed25519(seed, "whpk_" + base64(raw));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has Ed25519", e);
            }
        }

        @Override
        public String sign(String id, long timestamp, String body) {
            try {
                var signature = Signature.getInstance("Ed25519");
                signature.initSign(key);
                signature.update(signed(id, timestamp, body));
                return "v1a," + base64(signature.sign());
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has Ed25519", e);
            }
        }

        @Override
        public String forReceiver() {
            return publicKey;
        }

        @Override
        public byte[] secret() {
            return seed.clone();
        }
    }
}
