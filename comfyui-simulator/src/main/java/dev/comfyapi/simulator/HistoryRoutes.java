package dev.comfyapi.simulator;

import java.util.function.Supplier;

/// The history of finished prompts.
final class HistoryRoutes {

    private final Supplier<ServerProcess> process;

    HistoryRoutes(Supplier<ServerProcess> process) {
        this.process = process;
    }

    void declare(Routes routes) {
        routes.on("GET", "/history", this::page)
                .on("GET", "/history/{id}", this::one)
                .on("POST", "/history", this::change);
    }

    private HttpReply page(HttpCall call) {
        var history = process.get().history();
        var max = call.parameter("max_items");
        var offset = call.parameter("offset");
        var entries =
                max == null && offset == null
                        ? history.all()
                        : history.page(
                                max == null ? Integer.MAX_VALUE : number(max),
                                offset == null ? (max == null ? 0 : -1) : number(offset));
        var reply = Json.object();
        entries.forEach(entry -> reply.set(entry.prompt().id(), entry.toJson()));
        return HttpReply.json(reply);
    }

    private static int number(String text) {
        return Python.toInt(Json.text(text)).intValue();
    }

    /// 200 with `{}` for a prompt that is unfinished and for one that never was: nobody can tell
    /// them apart.
    private HttpReply one(HttpCall call) {
        var entry = process.get().history().find(call.place("id"));
        var reply = Json.object();
        if (entry != null) {
            reply.set(entry.prompt().id(), entry.toJson());
        }
        return HttpReply.json(reply);
    }

    private HttpReply change(HttpCall call) throws Json.MalformedJson {
        var request = call.jsonObject();
        var history = process.get().history();
        if (Python.truth(request.path("clear"))) {
            history.clear();
        }
        request.path("delete").forEach(id -> history.delete(Python.str(id)));
        return HttpReply.empty(200);
    }
}
