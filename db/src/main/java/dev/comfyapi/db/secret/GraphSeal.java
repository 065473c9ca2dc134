package dev.comfyapi.db.secret;

import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.model.message.LaneMessage;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;

import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// Makes graphs unreadable on their way to workers. Kafka keeps records for minutes after a job has
/// ended, in files that nobody erases; the key is in the database, with the graphs themselves.
/// Thread-safe.
///
/// A graph that cannot be sealed or opened is left out: the worker reads it by the job's key, as it
/// does with those that are too large for a message.
public final class GraphSeal {

    private static final Logger LOG = LoggerFactory.getLogger(GraphSeal.class);
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int NONCE = 12;
    private static final int TAG_BITS = 128;

    private final SecretStore secrets;
    private final SecureRandom random = new SecureRandom();
    private volatile @Nullable SecretKeySpec key;

    public GraphSeal(SecretStore secrets) {
        this.secrets = secrets;
    }

    /// What goes to the worker.
    public LaneMessage.Assign seal(Assignment assignment) {
        var graph = assignment.graph();
        if (graph == null) {
            return new LaneMessage.Assign(assignment, null);
        }
        var nonce = new byte[NONCE];
        random.nextBytes(nonce);
        var text = graph.getBytes(StandardCharsets.UTF_8);
        var whole = new byte[NONCE + text.length + TAG_BITS / Byte.SIZE];
        System.arraycopy(nonce, 0, whole, 0, NONCE);
        try {
            int _ =
                    cipher(Cipher.ENCRYPT_MODE, nonce, assignment)
                            .doFinal(text, 0, text.length, whole, NONCE);
        } catch (GeneralSecurityException | RuntimeException e) {
            LOG.warn("The graph of job {} is not sent along: {}", job(assignment), e.toString());
            return new LaneMessage.Assign(assignment.withGraph(null), null);
        }
        return new LaneMessage.Assign(
                assignment.withGraph(null), Base64.getEncoder().encodeToString(whole));
    }

    /// What the worker was given to do.
    public Assignment open(LaneMessage.Assign message) {
        var assignment = message.assignment();
        var sealed = message.sealedGraph();
        if (sealed == null) {
            return assignment;
        }
        try {
            var whole = Base64.getDecoder().decode(sealed);
            var nonce = java.util.Arrays.copyOf(whole, NONCE);
            var text =
                    cipher(Cipher.DECRYPT_MODE, nonce, assignment)
                            .doFinal(whole, NONCE, whole.length - NONCE);
            return assignment.withGraph(new String(text, StandardCharsets.UTF_8));
        } catch (GeneralSecurityException | RuntimeException e) {
            LOG.warn("The graph of job {} does not open: {}", job(assignment), e.toString());
            return assignment;
        }
    }

    private Cipher cipher(int mode, byte[] nonce, Assignment assignment)
            throws GeneralSecurityException {
        var cipher = Cipher.getInstance(CIPHER);
        cipher.init(mode, key(), new GCMParameterSpec(TAG_BITS, nonce));
        // What was sealed for one lease does not open for another.
        cipher.updateAAD(assignment.lease().toString().getBytes(StandardCharsets.UTF_8));
        return cipher;
    }

    /// Read when it is first needed, and kept: a new one needs new processes.
    private SecretKeySpec key() {
        var known = key;
        if (known == null) {
            known = new SecretKeySpec(secrets.get("lanes"), "AES");
            key = known;
        }
        return known;
    }

    private static Object job(Assignment assignment) {
        return assignment.lease().job();
    }
}
