package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/// Downloads of output, input and temp files, whole or in part, as stored or re-encoded.
final class ViewRoute {

    private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");
    private static final Map<String, String> TYPES =
            Map.ofEntries(
                    Map.entry("png", "image/png"),
                    Map.entry("jpg", "image/jpeg"),
                    Map.entry("jpeg", "image/jpeg"),
                    Map.entry("webp", "image/webp"),
                    Map.entry("gif", "image/gif"),
                    Map.entry("bmp", "image/bmp"),
                    Map.entry("txt", "text/plain"),
                    Map.entry("csv", "text/csv"),
                    Map.entry("md", "text/markdown"),
                    Map.entry("json", "application/json"),
                    Map.entry("flac", "audio/flac"),
                    Map.entry("mp3", "audio/mpeg"),
                    Map.entry("opus", "audio/ogg"),
                    Map.entry("mp4", "video/mp4"),
                    Map.entry("webm", "video/webm"),
                    Map.entry("safetensors", "application/safetensors"));
    private static final Set<String> DANGEROUS =
            Set.of("svg", "html", "htm", "xhtml", "xml", "js", "mjs", "css");

    private final ServerFolders disk;

    ViewRoute(ServerFolders disk) {
        this.disk = disk;
    }

    void declare(Routes routes) {
        routes.on("GET", "/view", this::view);
    }

    private HttpReply view(HttpCall call) throws IOException {
        var asked = call.parameter("filename");
        if (asked == null) {
            return HttpReply.empty(404);
        }
        var name = ServerFolders.Annotated.parse(asked);
        if (name.name().isEmpty() || name.name().startsWith("/") || name.name().contains("..")) {
            return HttpReply.empty(400);
        }
        var kind = name.kind();
        if (kind == null) {
            var type = call.parameter("type");
            var known = ServerFolders.Kind.of(type == null ? "output" : type);
            if (known.isEmpty()) {
                return HttpReply.empty(400);
            }
            kind = known.get();
        }
        var subfolder = call.parameter("subfolder");
        var folder = disk.inside(kind, subfolder == null ? "" : subfolder);
        if (folder.isEmpty()) {
            return HttpReply.empty(403);
        }
        Path file;
        try {
            file = folder.get().resolve(name.name().substring(name.name().lastIndexOf('/') + 1));
        } catch (InvalidPathException _) {
            return HttpReply.empty(404);
        }
        if (!Files.isRegularFile(file)) {
            return HttpReply.empty(404);
        }
        var preview = call.parameter("preview");
        var channel = call.parameter("channel");
        if (preview != null) {
            return reencoded(file, preview);
        }
        return channel == null || channel.equals("rgba")
                ? stored(call, file)
                : oneChannel(file, channel);
    }

    private static HttpReply named(HttpReply reply, Path file) {
        return reply.with("Content-Disposition", "filename=\"%s\"".formatted(file.getFileName()));
    }

    private static HttpReply reencoded(Path file, String preview) throws IOException {
        var wish = preview.split(";", 2);
        var picture = Picture.of(PictureFiles.read(Files.readAllBytes(file)));
        if (wish[0].equals("jpeg")) {
            var quality =
                    wish.length > 1 && wish[1].matches("\\d{1,3}") ? Integer.parseInt(wish[1]) : 90;
            return named(
                    HttpReply.bytes(
                            200,
                            "image/jpeg",
                            PictureFiles.jpeg(picture, Math.clamp(quality, 1, 100) / 100f)),
                    file);
        }
        return named(HttpReply.bytes(200, "image/webp", Webp.encode(picture)), file);
    }

    private static HttpReply oneChannel(Path file, String channel) throws IOException {
        var image = PictureFiles.read(Files.readAllBytes(file));
        var picture = Picture.of(image);
        var png =
                channel.equals("rgb")
                        ? Png.encode(picture, Map.of())
                        : Png.encodeWithAlpha(
                                Picture.filled(picture.width(), picture.height(), 0),
                                PictureFiles.alpha(image));
        return named(HttpReply.bytes(200, "image/png", png), file);
    }

    private static HttpReply stored(HttpCall call, Path file) throws IOException {
        var modified = Files.getLastModifiedTime(file);
        var size = Files.size(file);
        var tag = "\"%x-%x\"".formatted(modified.to(TimeUnit.NANOSECONDS), size);
        if (isUnchanged(call, tag, modified)) {
            return HttpReply.empty(304).with("ETag", tag);
        }
        var name = file.getFileName().toString();
        var ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        var dangerous = DANGEROUS.contains(ending);
        var type =
                dangerous
                        ? "application/octet-stream"
                        : TYPES.getOrDefault(ending, "application/octet-stream");
        var reply = part(call.header("range"), type, file, size);
        var named =
                dangerous
                        ? reply.with(
                                "Content-Disposition",
                                "attachment; filename=\"%s\"".formatted(name))
                        : named(reply, file);
        return named.with("ETag", tag)
                .with("Last-Modified", httpDate(modified))
                .with("Accept-Ranges", "bytes")
                .with("X-Content-Type-Options", "nosniff");
    }

    private static boolean isUnchanged(HttpCall call, String tag, FileTime modified) {
        var known = call.header("if-none-match");
        if (known != null) {
            return known.equals("*") || known.contains(tag);
        }
        var since = call.header("if-modified-since");
        if (since == null) {
            return false;
        }
        try {
            var moment =
                    ZonedDateTime.parse(since, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            return !seconds(modified).isAfter(moment);
        } catch (DateTimeParseException _) {
            return false;
        }
    }

    private static Instant seconds(FileTime time) {
        return time.toInstant().truncatedTo(ChronoUnit.SECONDS);
    }

    private static String httpDate(FileTime time) {
        return DateTimeFormatter.RFC_1123_DATE_TIME.format(seconds(time).atZone(ZoneOffset.UTC));
    }

    private static HttpReply part(@Nullable String range, String type, Path file, long size) {
        if (range == null) {
            return HttpReply.file(200, type, new FilePart(file, 0, size));
        }
        var asked = RANGE.matcher(range.strip());
        if (!asked.matches() || (asked.group(1).isEmpty() && asked.group(2).isEmpty())) {
            return HttpReply.empty(416).with("Content-Range", "bytes */" + size);
        }
        long from;
        long to;
        if (asked.group(1).isEmpty()) {
            from = Math.max(0, size - number(asked.group(2)));
            to = size - 1;
        } else {
            from = number(asked.group(1));
            to = asked.group(2).isEmpty() ? size - 1 : Math.min(size - 1, number(asked.group(2)));
        }
        if (from >= size || from > to) {
            return HttpReply.empty(416).with("Content-Range", "bytes */" + size);
        }
        return HttpReply.file(206, type, new FilePart(file, from, to - from + 1))
                .with("Content-Range", "bytes %d-%d/%d".formatted(from, to, size));
    }

    private static long number(String digits) {
        return digits.length() > 18 ? Long.MAX_VALUE : Long.parseLong(digits);
    }
}
