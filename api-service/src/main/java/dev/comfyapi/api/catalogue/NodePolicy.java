package dev.comfyapi.api.catalogue;

import org.springframework.stereotype.Component;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;

/// Which node classes the graphs of clients may have: an allow list, for a node may be any program.
/// Thread-safe.
@Component
public final class NodePolicy {

    private final Set<String> allowed;

    NodePolicy(CatalogueProperties properties) {
        var all = new HashSet<>(shipped());
        all.addAll(properties.allowNodes());
        all.removeAll(properties.denyNodes());
        this.allowed = Set.copyOf(all);
    }

    public boolean allows(String nodeClass) {
        return allowed.contains(nodeClass);
    }

    /// One class a line; `#` begins a comment.
    private static Set<String> shipped() {
        var names = new HashSet<String>();
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(
                                Objects.requireNonNull(
                                        NodePolicy.class.getResourceAsStream("allowed-nodes.txt")),
                                StandardCharsets.UTF_8))) {
            lines.lines()
                    .map(line -> line.replaceFirst("#.*", "").strip())
                    .filter(line -> !line.isEmpty())
                    .forEach(names::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return names;
    }
}
