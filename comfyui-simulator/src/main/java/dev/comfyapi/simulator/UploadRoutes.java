package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/// Uploads of pictures, masks and anything else.
final class UploadRoutes {

    private interface Saving {
        void save(Path file) throws IOException;
    }

    private final ServerFolders disk;

    UploadRoutes(ServerFolders disk) {
        this.disk = disk;
    }

    void declare(Routes routes) {
        routes.on("POST", "/upload/image", this::image).on("POST", "/upload/mask", this::mask);
    }

    private HttpReply image(HttpCall call) throws IOException {
        var form = new MultipartForm(call.header("content-type"), call.body());
        var image = form.part("image");
        return image == null
                ? HttpReply.empty(400)
                : store(form, image, file -> Files.write(file, image.content()));
    }

    private HttpReply store(MultipartForm form, MultipartForm.Part image, Saving saving)
            throws IOException {
        var fileName = image.fileName();
        if (fileName == null) {
            return HttpReply.empty(400);
        }
        if (fileName.isEmpty()) {
            throw new IOException("Is a directory");
        }
        var type = form.text("type", "input");
        var kind =
                ServerFolders.Kind.of(type)
                        .orElseThrow(() -> Python.valueError("unknown type " + type));
        var subfolder = form.text("subfolder", "");
        var folder = disk.inside(kind, subfolder);
        if (folder.isEmpty()) {
            return HttpReply.empty(400);
        }
        var target = folder.get().resolve(fileName).normalize();
        if (!target.startsWith(disk.path(kind))) {
            return HttpReply.empty(400);
        }
        ServerFolders.create(folder.get());
        var overwrite = form.text("overwrite", "");
        var name = fileName;
        var same = false;
        if (!overwrite.equals("true") && !overwrite.equals("1")) {
            for (var i = 1; Files.exists(target) && !same; i++) {
                same = Arrays.equals(Files.readAllBytes(target), image.content());
                if (!same) {
                    name = numbered(fileName, i);
                    target = folder.get().resolve(name);
                }
            }
        }
        if (!same) {
            saving.save(target);
        }
        return HttpReply.json(
                Json.object()
                        .put("name", name)
                        .put("subfolder", subfolder)
                        .put("type", kind.word()));
    }

    private static String numbered(String name, int number) {
        var dot = name.lastIndexOf('.');
        return dot <= 0
                ? "%s (%d)".formatted(name, number)
                : "%s (%d)%s".formatted(name.substring(0, dot), number, name.substring(dot));
    }

    /// Puts the alpha of the upload onto a picture that is already here; a bad reference is 200
    /// without a file.
    private HttpReply mask(HttpCall call) throws IOException, Json.MalformedJson {
        var form = new MultipartForm(call.header("content-type"), call.body());
        var image = form.part("image");
        if (image == null) {
            return HttpReply.empty(400);
        }
        var reference = form.part("original_ref");
        if (reference == null) {
            throw Python.keyError("original_ref");
        }
        var original = original(Json.parse(reference.text()));
        return store(
                form,
                image,
                file -> {
                    if (original.isPresent()) {
                        var picture =
                                Picture.of(PictureFiles.read(Files.readAllBytes(original.get())));
                        var alpha = PictureFiles.alpha(PictureFiles.read(image.content()));
                        Files.write(
                                file,
                                Png.encodeWithAlpha(
                                        picture, alpha.scaled(picture.width(), picture.height())));
                    }
                });
    }

    private Optional<Path> original(JsonNode reference) {
        var name = reference.path("filename").asString("");
        if (name.isEmpty() || name.startsWith("/") || name.contains("..")) {
            return Optional.empty();
        }
        var item =
                Json.object()
                        .put("filename", name)
                        .put("subfolder", reference.path("subfolder").asString(""));
        return disk.reported(item.put("type", reference.path("type").asString("output")))
                .filter(Files::isRegularFile);
    }
}
