package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Finds what answers a request; routes are declared once, then only read.
final class Routes {

    interface Answer {
        HttpReply to(HttpCall call) throws Json.MalformedJson, IOException;
    }

    private record Route(String method, List<String> parts, Answer answer) {
        @Nullable Map<String, String> match(List<String> path) {
            if (path.size() != parts.size()) {
                return null;
            }
            var places = new HashMap<String, String>();
            for (var i = 0; i < parts.size(); i++) {
                var part = parts.get(i);
                if (part.startsWith("{")) {
                    places.put(part.substring(1, part.length() - 1), path.get(i));
                } else if (!part.equals(path.get(i))) {
                    return null;
                }
            }
            return places;
        }
    }

    private final List<Route> routes = new ArrayList<>();

    /// Declares a route with and without `/api` in front.
    Routes on(String method, String path, Answer answer) {
        only(method, path, answer);
        return only(method, "/api" + path, answer);
    }

    /// Declares a route as written.
    Routes only(String method, String path, Answer answer) {
        routes.add(new Route(method, split(path), answer));
        return this;
    }

    private static List<String> split(String path) {
        return List.of(path.split("/", -1));
    }

    HttpReply answer(HttpCall call) throws Json.MalformedJson, IOException {
        var path = split(call.path());
        var wanted = call.method().equals("HEAD") ? "GET" : call.method();
        var allowed = new TreeSet<String>();
        for (var route : routes) {
            var places = route.match(path);
            if (places != null) {
                if (route.method().equals(wanted)) {
                    return route.answer().to(call.at(places));
                }
                allowed.add(route.method());
                if (route.method().equals("GET")) {
                    allowed.add("HEAD");
                }
            }
        }
        if (call.method().equals("OPTIONS")) {
            return HttpReply.empty(200);
        }
        return allowed.isEmpty() ? HttpReply.empty(404) : HttpReply.wrongMethod(allowed);
    }
}
