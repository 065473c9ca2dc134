package dev.comfyapi.api.asset;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.Part;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Locale;

/// The `multipart/form-data` of an upload. The file is on disk, wherever the container put it.
record UploadForm(Part file, Wishes wishes) {

    private static final String FILE = "file";
    private static final int LONGEST_FIELD = 4_096;

    /// @param largest bytes of the whole request
    /// @throws ApiProblem with everything that is wrong with the form
    static UploadForm read(HttpServletRequest request, long largest) throws IOException {
        var type = request.getContentType();
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("multipart/form-data")) {
            throw ApiProblem.of(
                            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
                            "The body has to be multipart/form-data.")
                    .header("Accept-Post", "multipart/form-data");
        }
        if (request.getContentLengthLong() > largest) {
            throw tooLarge(largest);
        }
        var parts = parts(request, largest);
        var problems = new Problems();
        var members = Members.of(fields(parts, problems), problems);
        var wishes = Wishes.read(members);
        members.end();
        var files = parts.stream().filter(part -> part.getName().equals(FILE)).toList();
        if (files.isEmpty()) {
            problems.add("#/file", "required", "is required");
        } else if (files.size() > 1) {
            problems.add("#/file", "too_many", "must be one file");
        } else if (files.getFirst().getSize() == 0) {
            problems.add("#/file", "too_short", "must not be empty");
        }
        problems.throwIfAny();
        return new UploadForm(files.getFirst(), named(wishes, files.getFirst()));
    }

    /// The form's own word counts, then the name of the part.
    private static Wishes named(Wishes wishes, Part file) {
        if (wishes.filename() != null || file.getSubmittedFileName() == null) {
            return wishes;
        }
        return new Wishes(
                wishes.purpose(),
                DisplayName.of(file.getSubmittedFileName()).orElse(null),
                wishes.expectedSha256(),
                wishes.lifetime(),
                wishes.tags());
    }

    private static Collection<Part> parts(HttpServletRequest request, long largest)
            throws IOException {
        try {
            return request.getParts();
        } catch (ServletException | IOException | IllegalStateException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause.getClass().getSimpleName().contains("Size")) {
                    throw tooLarge(largest);
                }
            }
            throw ApiProblem.of(
                    ProblemCode.BAD_REQUEST, "The body is not well-formed multipart/form-data.");
        }
    }

    private static ApiProblem tooLarge(long largest) {
        return ApiProblem.of(
                        ProblemCode.PAYLOAD_TOO_LARGE,
                        "An upload may have at most %d bytes.".formatted(largest))
                .with("max", largest);
    }

    /// As if they had come as JSON, so that they are read like any other body.
    private static ObjectNode fields(Collection<Part> parts, Problems problems) throws IOException {
        var fields = JsonMapper.shared().createObjectNode();
        for (var part : parts) {
            var name = part.getName();
            if (name.equals(FILE)) {
                continue;
            }
            var text = text(part);
            if (name.equals("tags")) {
                fields.withArray("/tags").add(text);
            } else if (fields.has(name)) {
                problems.add("#/" + name, "too_many", "must be given once");
            } else if (name.equals("expires_in") && text.matches("-?[0-9]{1,9}")) {
                fields.put(name, Integer.parseInt(text));
            } else {
                fields.put(name, text);
            }
        }
        return fields;
    }

    private static String text(Part part) throws IOException {
        try (var in = part.getInputStream()) {
            return new String(in.readNBytes(LONGEST_FIELD), StandardCharsets.UTF_8);
        }
    }
}
