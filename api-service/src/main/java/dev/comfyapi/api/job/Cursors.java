package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Where the next page of a list starts, as a text that only this service can make.
///
/// Good for one tenant, the filters it was made for, and three days.
@Component
public final class Cursors {

    private static final Duration VALID = Duration.ofDays(3);
    private static final int CONTENT = Long.BYTES + 2 * Long.BYTES;
    private static final int SIGNATURE = 16;

    private final SecretStore secrets;
    private final Clock clock;
    private volatile byte @Nullable [] key;

    Cursors(SecretStore secrets, Clock clock) {
        this.secrets = secrets;
        this.clock = clock;
    }

    /// @param scope tenant and filters, as a text
    public String after(JobId last, String scope) {
        var content =
                ByteBuffer.allocate(CONTENT)
                        .putLong(clock.instant().plus(VALID).getEpochSecond())
                        .putLong(last.value().getMostSignificantBits())
                        .putLong(last.value().getLeastSignificantBits())
                        .array();
        var cursor =
                ByteBuffer.allocate(CONTENT + SIGNATURE)
                        .put(content)
                        .put(signature(content, scope))
                        .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(cursor);
    }

    /// The job, or whatever else is listed, that the page starts after.
    public JobId open(String cursor, String scope) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(cursor);
        } catch (IllegalArgumentException _) {
            throw bad("The cursor is not one of ours.");
        }
        if (bytes.length != CONTENT + SIGNATURE) {
            throw bad("The cursor is not one of ours.");
        }
        var content = ByteBuffer.wrap(bytes).slice(0, CONTENT);
        var contentBytes = new byte[CONTENT];
        content.get(0, contentBytes);
        var signature = new byte[SIGNATURE];
        ByteBuffer.wrap(bytes).get(CONTENT, signature);
        if (!MessageDigest.isEqual(signature, signature(contentBytes, scope))) {
            throw bad("The cursor was changed, or was made for other filters.");
        }
        if (clock.instant().getEpochSecond() > content.getLong()) {
            throw bad("The cursor is older than three days.");
        }
        return new JobId(new UUID(content.getLong(), content.getLong()));
    }

    private static ApiProblem bad(String detail) {
        return ApiProblem.of(ProblemCode.BAD_CURSOR, detail);
    }

    private byte[] signature(byte[] content, String scope) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key(), "HmacSHA256"));
            mac.update(content);
            var whole = mac.doFinal(scope.getBytes(StandardCharsets.UTF_8));
            return java.util.Arrays.copyOf(whole, SIGNATURE);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HMAC-SHA256", e);
        }
    }

    /// Read when it is first needed: the database may come later than this service.
    private byte[] key() {
        var known = key;
        if (known == null) {
            known = secrets.get("cursors");
            key = known;
        }
        return known;
    }
}
