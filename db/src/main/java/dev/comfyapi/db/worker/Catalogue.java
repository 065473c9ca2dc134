package dev.comfyapi.db.worker;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/// What one ComfyUI installation has.
///
/// @param models files as `folder/name`
/// @param nodes node classes
/// @param samplers sampler names of KSampler
/// @param schedulers scheduler names of KSampler
/// @param objectInfo ComfyUI's description of its node classes as a JSON object, in an order of its
///   own that does not change while the installation does not; `{}` when not known
public record Catalogue(
        SortedSet<String> models,
        SortedSet<String> nodes,
        SortedSet<String> samplers,
        SortedSet<String> schedulers,
        String objectInfo) {

    public Catalogue {
        models = new TreeSet<>(models);
        nodes = new TreeSet<>(nodes);
        samplers = new TreeSet<>(samplers);
        schedulers = new TreeSet<>(schedulers);
    }

    /// SHA-256 over all of it: installations that have the same are the same.
    public byte[] hash() {
        var lists = List.of(models, nodes, samplers, schedulers);
        var text =
                String.join("\u0001", lists.stream().map(l -> String.join("\u0000", l)).toList())
                        + "\u0001"
                        + objectInfo;
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
