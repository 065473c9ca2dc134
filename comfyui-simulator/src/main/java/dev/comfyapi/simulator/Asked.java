package dev.comfyapi.simulator;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/// What a sampler was asked for; the painting follows from it and from nothing else.
///
/// @param details whatever else makes a difference: sampler, scheduler, LoRAs, control nets
record Asked(
        String prompt,
        String negative,
        BigInteger seed,
        int steps,
        double cfg,
        String model,
        List<String> details) {

    Asked {
        details = List.copyOf(details);
    }

    /// A number that differs for different wishes, and for each picture of a batch.
    long fingerprint(int indexInBatch) {
        try {
            var text =
                    String.join(
                            "\n",
                            prompt,
                            negative,
                            seed.toString(),
                            Integer.toString(steps),
                            Double.toString(cfg),
                            model,
                            String.join(";", details),
                            Integer.toString(indexInBatch));
            var hash =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return new BigInteger(hash).longValue();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
