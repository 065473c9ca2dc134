package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// What the server says about itself: node classes, models, features, machine.
final class DescriptionRoutes {

    private static final long GIB = 1024L * 1024 * 1024;

    private final Settings settings;
    private final Map<String, JsonNode> frontEndSettings = new ConcurrentHashMap<>();

    DescriptionRoutes(Settings settings) {
        this.settings = settings;
    }

    void declare(Routes routes) {
        routes.on("GET", "/object_info", _ -> allClasses())
                .on("GET", "/object_info/{class}", this::oneClass)
                .on("GET", "/models", _ -> HttpReply.json(Json.array(settings.models().folders())))
                .on("GET", "/models/{folder}", this::models)
                .on("GET", "/embeddings", _ -> embeddings())
                .on("GET", "/features", _ -> HttpReply.json(settings.features()))
                .on("GET", "/system_stats", _ -> systemStats())
                .on("GET", "/extensions", _ -> HttpReply.json(Json.array()))
                .on("GET", "/node_replacements", _ -> HttpReply.json(Json.object()))
                .on(
                        "GET",
                        "/users",
                        _ ->
                                HttpReply.json(
                                        Json.object()
                                                .put("storage", "server")
                                                .put("migrated", true)))
                .on("GET", "/settings", _ -> frontEndSettings())
                .on("POST", "/settings", this::changeFrontEndSettings)
                .on("GET", "/settings/{id}", this::frontEndSetting)
                .on("POST", "/settings/{id}", this::changeFrontEndSetting);
    }

    private HttpReply allClasses() {
        var all = Json.object();
        settings.signatures()
                .all()
                .forEach(node -> all.set(node.name(), settings.signatures().objectInfo(node)));
        return HttpReply.json(all);
    }

    private HttpReply oneClass(HttpCall call) {
        var reply = Json.object();
        var node = settings.signatures().find(call.place("class"));
        if (node != null) {
            reply.set(node.name(), settings.signatures().objectInfo(node));
        }
        return HttpReply.json(reply);
    }

    private HttpReply models(HttpCall call) {
        var names = settings.models().models(call.place("folder"));
        return names == null ? HttpReply.empty(404) : HttpReply.json(Json.array(names));
    }

    private HttpReply embeddings() {
        var names = settings.models().models("embeddings");
        var shown = Json.array();
        if (names != null) {
            names.forEach(name -> shown.add(name.replaceFirst("\\.[^.]+$", "")));
        }
        return HttpReply.json(shown);
    }

    private static HttpReply systemStats() {
        var stats = Json.object();
        var system =
                stats.putObject("system")
                        .put("os", "linux")
                        .put("ram_total", 64 * GIB)
                        .put("ram_free", 48 * GIB)
                        .put("comfyui_version", "0.33.0")
                        .put("required_frontend_version", "1.49.6")
                        .putNull("installed_templates_version")
                        .put("required_templates_version", "0.11.44");
        system.putArray("comfy_package_versions");
        system.put("python_version", "3.13.5 (simulated)")
                .put("pytorch_version", "2.6.0+simulated")
                .put("embedded_python", false)
                .put("deploy_environment", "local-git");
        ArrayNode arguments = system.putArray("argv");
        arguments.add("main.py");
        stats.putArray("devices")
                .addObject()
                .put("name", "cuda:0 Simulated GPU : cudaMallocAsync")
                .put("type", "cuda")
                .put("index", 0)
                .put("vram_total", 24 * GIB)
                .put("vram_free", 22 * GIB)
                .put("torch_vram_total", GIB / 32)
                .put("torch_vram_free", GIB / 64);
        return HttpReply.json(stats);
    }

    private HttpReply frontEndSettings() {
        var all = Json.object();
        all.setAll(frontEndSettings);
        return HttpReply.json(all);
    }

    private HttpReply changeFrontEndSettings(HttpCall call) throws Json.MalformedJson {
        call.jsonObject()
                .properties()
                .forEach(entry -> frontEndSettings.put(entry.getKey(), entry.getValue()));
        return HttpReply.empty(200);
    }

    private HttpReply frontEndSetting(HttpCall call) {
        return HttpReply.json(frontEndSettings.getOrDefault(call.place("id"), Json.text(null)));
    }

    private HttpReply changeFrontEndSetting(HttpCall call) throws Json.MalformedJson {
        frontEndSettings.put(call.place("id"), call.json());
        return HttpReply.empty(200);
    }
}
