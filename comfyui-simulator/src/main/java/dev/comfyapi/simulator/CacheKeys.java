package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/// What the result of a node depends on: its class, its literals, its ancestors, and the files it
/// reads.
///
/// Ids and titles of nodes do not count, except for classes that are told their own id.
final class CacheKeys {

    private final Graph graph;
    private final ServerFolders disk;
    private final Map<String, String> keys = new HashMap<>();

    CacheKeys(Graph graph, ServerFolders disk) {
        this.graph = graph;
        this.disk = disk;
    }

    String of(String id) {
        var known = keys.get(id);
        if (known != null) {
            return known;
        }
        keys.put(id, "loop"); // Unvalidated branches may contain one.
        var nodeClass = graph.classOf(id);
        var text = new StringBuilder(nodeClass.name());
        if (nodeClass.knowsItsId()) {
            text.append(" #").append(id);
        }
        var inputs = new TreeMap<String, JsonNode>();
        graph.inputs(id)
                .properties()
                .forEach(entry -> inputs.put(entry.getKey(), entry.getValue()));
        inputs.forEach((name, value) -> {
            text.append('\n').append(name).append('=');
            var link = Graph.link(value);
            if (link != null && graph.has(link.from())) {
                text.append('<')
                        .append(of(link.from()))
                        .append('.')
                        .append(link.output())
                        .append('>');
            } else {
                text.append(Json.write(value));
            }
        });
        if (nodeClass.name().startsWith("LoadImage") && graph.inputs(id).path("image").isString()) {
            text.append("\nfile ").append(fileHash(graph.inputs(id).path("image").stringValue()));
        }
        var key = hash(text.toString().getBytes(StandardCharsets.UTF_8));
        keys.put(id, key);
        return key;
    }

    private String fileHash(String name) {
        return disk.annotatedFile(name, ServerFolders.Kind.INPUT)
                .map(file -> {
                    try {
                        return hash(Files.readAllBytes(file));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                })
                .orElse("missing");
    }

    /// A short name for what a picture shows.
    static String fingerprint(Picture picture) {
        return "%dx%d#%08x"
                .formatted(picture.width(), picture.height(), Arrays.hashCode(picture.rgb()));
    }

    static String hash(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
