package dev.comfyapi.api.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;

import org.junit.jupiter.api.Test;

import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/// Byte for byte what Standard Webhooks 1.0.0 says, by vectors that were computed elsewhere and by
/// the official library.
class SigningKeyTest {

    private static final String ID = "msg_0198f3c27d417c559a3e5b0f6c1d2e40";
    private static final long TIME = 1_788_264_006L;
    private static final String BODY =
            "{\"type\":\"job.succeeded\",\"timestamp\":\"2026-09-01T12:00:05.250Z\",\"data\":"
                    + "{\"id\":\"0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f\",\"status\":\"succeeded\"}}";
    private static final String PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

    private static byte[] bytes(int first) {
        var bytes = new byte[32];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (first + i);
        }
        return bytes;
    }

    @Test
    void hmac_signatures_are_those_of_the_vectors() {
        var first = new SigningKey.Hmac(bytes(0));
        var second = new SigningKey.Hmac(bytes(0x20));

        assertThat(BODY.getBytes(StandardCharsets.UTF_8)).hasSize(137);
        assertThat(first.forReceiver())
                .isEqualTo("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        assertThat(second.forReceiver())
                .isEqualTo("whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
        assertThat(first.sign(ID, TIME, BODY))
                .isEqualTo("v1,eyL/djKVe4nf0MHRDyJn7SKIFaid81IxBJDWvt8Cy1I=");
        assertThat(second.sign(ID, TIME, BODY))
                .isEqualTo("v1,MGu5YItzp6RpTvWUJbab9i+BcHv0UI1gGUXX59ZmLqg=");
    }

    @Test
    void the_public_vector_of_the_standard_holds() {
        var key =
                new SigningKey.Hmac(Base64.getDecoder().decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));

        assertThat(
                        key.sign(
                                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                1_614_265_330L,
                                "{\"test\": 2432232314}"))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void ed25519_signatures_are_those_of_the_vector() throws Exception {
        var key = new SigningKey.Ed25519(bytes(0), PUBLIC);

        var signature = key.sign(ID, TIME, BODY);

        assertThat(signature)
                .isEqualTo(
                        "v1a,3WYkQDjBRjr3J+ZxF6iINfbES9qjFro4JcRqpETWpX5UZ00mSVpAI46eD5xrFxF2qjF8l7RzjUPjDIbnX4F8CQ==");
        assertThat(verifies(PUBLIC, signature, ID + "." + TIME + "." + BODY)).isTrue();
        assertThat(verifies(PUBLIC, signature, ID + "." + (TIME + 1) + "." + BODY)).isFalse();
    }

    /// As a receiver would, with nothing of ours.
    static boolean verifies(String publicKey, String signature, String content) throws Exception {
        var encoded = HexFormat.of().formatHex(Base64.getDecoder().decode(publicKey.substring(5)));
        var key =
                KeyFactory.getInstance("Ed25519")
                        .generatePublic(
                                new X509EncodedKeySpec(
                                        HexFormat.of()
                                                .parseHex("302a300506032b6570032100" + encoded)));
        var verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(key);
        verifier.update(content.getBytes(StandardCharsets.UTF_8));
        return verifier.verify(Base64.getDecoder().decode(signature.substring(4)));
    }

    @Test
    void fresh_keys_have_32_bytes_and_fit_what_receivers_get() throws Exception {
        var hmac = SigningKey.Hmac.random();
        var pair = SigningKey.Ed25519.random();

        assertThat(hmac.secret()).hasSize(32);
        assertThat(hmac.forReceiver()).isNotEqualTo(SigningKey.Hmac.random().forReceiver());
        assertThat(pair.secret()).hasSize(32);
        var again = new SigningKey.Ed25519(pair.secret(), pair.forReceiver());
        assertThat(verifies(pair.forReceiver(), again.sign(ID, 5, "ä"), ID + ".5.ä")).isTrue();
    }

    private static HttpHeaders headers(String signature, long time) {
        return HttpHeaders.of(
                Map.of(
                        "webhook-id", List.of(ID),
                        "webhook-timestamp", List.of(Long.toString(time)),
                        "webhook-signature", List.of(signature)),
                (_, _) -> true);
    }

    @Test
    void the_official_library_accepts_what_we_sign_also_during_a_rotation() throws Exception {
        var before = SigningKey.Hmac.random();
        var now = SigningKey.Hmac.random();
        long time = Instant.now().getEpochSecond();
        var both = now.sign(ID, time, BODY) + " " + before.sign(ID, time, BODY);

        new Webhook(now.forReceiver()).verify(BODY, headers(both, time));
        new Webhook(before.forReceiver()).verify(BODY, headers(both, time));
        assertThatThrownBy(() ->
                        new Webhook(SigningKey.Hmac.random().forReceiver())
                                .verify(BODY, headers(both, time)))
                .isInstanceOf(WebhookVerificationException.class);
        assertThatThrownBy(() ->
                        new Webhook(now.forReceiver()).verify(BODY + " ", headers(both, time)))
                .isInstanceOf(WebhookVerificationException.class);
    }
}
