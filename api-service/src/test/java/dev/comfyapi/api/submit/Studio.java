package dev.comfyapi.api.submit;

import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.simulator.ComfyUiSimulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.SortedSet;
import java.util.TreeSet;

/// What a simulated ComfyUI says it has.
final class Studio {

    private static final JsonMapper JSON = JsonMapper.shared();

    private final JsonNode objectInfo;
    private final SortedSet<String> models = new TreeSet<>();

    Studio() {
        try (var comfyUi = ComfyUiSimulator.builder().start();
                var client = HttpClient.newHttpClient()) {
            objectInfo = get(client, comfyUi, "/object_info");
            for (var folder : get(client, comfyUi, "/models")) {
                for (var name : get(client, comfyUi, "/models/" + folder.stringValue())) {
                    models.add(folder.stringValue() + "/" + name.stringValue());
                }
            }
        }
    }

    private static JsonNode get(HttpClient client, ComfyUiSimulator comfyUi, String path) {
        try {
            return JSON.readTree(
                    client.send(
                                    HttpRequest.newBuilder(comfyUi.uri().resolve(path)).build(),
                                    BodyHandlers.ofString())
                            .body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    Catalogue catalogue() {
        return new Catalogue(
                models,
                new TreeSet<>(objectInfo.propertyNames()),
                choices("sampler_name"),
                choices("scheduler"),
                objectInfo.toString());
    }

    private SortedSet<String> choices(String input) {
        var names = new TreeSet<String>();
        objectInfo
                .path("KSampler")
                .path("input")
                .path("required")
                .path(input)
                .path(0)
                .forEach(name -> names.add(name.stringValue()));
        return names;
    }

    /// The same without one model file.
    Catalogue without(String path) {
        var left = new TreeSet<>(models);
        if (!left.remove(path)) {
            throw new IllegalArgumentException(path);
        }
        var info = objectInfo.deepCopy();
        remove(info, path.substring(path.indexOf('/') + 1));
        var all = catalogue();
        return new Catalogue(left, all.nodes(), all.samplers(), all.schedulers(), info.toString());
    }

    private static void remove(JsonNode tree, String name) {
        if (tree instanceof ArrayNode array) {
            for (int i = array.size() - 1; i >= 0; i--) {
                if (array.get(i).isString() && array.get(i).stringValue().equals(name)) {
                    array.remove(i);
                }
            }
        }
        tree.forEach(inside -> remove(inside, name));
    }
}
