package dev.comfyapi.api.asset;

import dev.comfyapi.api.artifact.ArtifactLinks;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Budget;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Turn;
import dev.comfyapi.api.job.Cursors;
import dev.comfyapi.api.limit.Allowance;
import dev.comfyapi.api.limit.AtOnce;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.RefusedFileException;
import dev.comfyapi.db.asset.AssetRow;
import dev.comfyapi.db.asset.AssetStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.UUID;

/// Assets over HTTP.
@RestController
@Tag(name = "assets", description = "Pictures that jobs start from")
final class AssetController {

    private static final String ASSETS = "/api/v1/assets";
    private static final int MOST_UPLOADS = 16;
    private static final int MOST = 200;

    private final Assets assets;
    private final AssetStore store;
    private final Imports imports;
    private final JsonBody json;
    private final ArtifactLinks links;
    private final PublicUrl publicUrl;
    private final Cursors cursors;
    private final Allowance allowance;
    private final AtOnce uploads = new AtOnce("uploads-at-once", MOST_UPLOADS);
    private final AssetProperties properties;

    AssetController(
            Assets assets,
            AssetStore store,
            Imports imports,
            JsonBody json,
            ArtifactLinks links,
            PublicUrl publicUrl,
            Cursors cursors,
            Allowance allowance,
            AssetProperties properties) {
        this.assets = assets;
        this.store = store;
        this.imports = imports;
        this.json = json;
        this.links = links;
        this.publicUrl = publicUrl;
        this.cursors = cursors;
        this.allowance = allowance;
        this.properties = properties;
    }

    @Requires(value = Scope.ASSETS_WRITE, budget = Budget.UPLOAD)
    @PostMapping(path = ASSETS, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Upload a picture",
            description =
                    "PNG, JPEG or WebP, told by its content. It is stored without texts, EXIF and"
                            + " other metadata. The same file for the same purpose is stored once,"
                            + " so repeating an upload is safe.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.MULTIPART_FORM_DATA_VALUE,
                            schema = @Schema(implementation = UploadBody.class)))
    @ApiResponse(responseCode = "201", description = "The new asset")
    @ApiResponse(
            responseCode = "200",
            description = "The asset that had the same file",
            headers = @Header(name = "Location"))
    ResponseEntity<AssetView> upload(Caller caller, HttpServletRequest request)
            throws IOException, InterruptedException {
        // As fast as the client sends.
        Turn.current().giveUp();
        try (var _ = uploads.begin(caller.tenant())) {
            var form = UploadForm.read(request, properties.largest().toBytes());
            var taken =
                    take(
                            caller,
                            out -> {
                                try (var in = form.file().getInputStream()) {
                                    in.transferTo(out);
                                }
                            },
                            form.wishes(),
                            "#/file");
            return answer(
                    taken.asset(), taken.isNew() ? HttpStatus.CREATED : HttpStatus.OK, request);
        }
    }

    @Requires(value = Scope.ASSETS_WRITE, budget = Budget.UPLOAD)
    @PostMapping(path = ASSETS + "/import", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Fetch a picture from a URL",
            description =
                    "The URL must be of a public host. The answer comes when the file is there,"
                            + " with status `ready`.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = ImportBody.class)))
    @ApiResponse(
            responseCode = "202",
            description = "The asset",
            headers = @Header(name = "Location"))
    ResponseEntity<AssetView> fetch(Caller caller, HttpServletRequest request)
            throws IOException, InterruptedException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("url");
        var url = members.text("url", 1, 2 * DataUrl.LARGEST);
        var wishes = Wishes.read(members);
        members.end();
        problems.throwIfAny();
        try (var _ = uploads.begin(caller.tenant())) {
            var taken = take(caller, imports.source(url.orElseThrow()), wishes, "#/url");
            return answer(taken.asset(), HttpStatus.ACCEPTED, request);
        }
    }

    private Assets.Taken take(Caller caller, Assets.Source source, Wishes wishes, String pointer)
            throws IOException, InterruptedException {
        allowance.admitFile(caller.tenant());
        try {
            return assets.take(caller.tenant(), source, wishes);
        } catch (RefusedFileException e) {
            throw Refusals.of(e, pointer);
        } catch (ImportRefusedException e) {
            throw Refusals.of(e);
        } catch (HashMismatchException e) {
            throw Refusals.of(e);
        }
    }

    @Requires(Scope.ASSETS_READ)
    @GetMapping(path = ASSETS, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "List assets, newest first")
    AssetPage list(
            Caller caller,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor,
            HttpServletRequest request) {
        if (limit < 1) {
            throw ApiProblem.of(
                            ProblemCode.BAD_PARAMETER, "The parameter limit must be at least 1.")
                    .with("parameter", "limit");
        }
        int most = Math.min(limit, MOST);
        var scope = "assets/" + caller.tenant();
        var found =
                store.list(
                        caller.tenant(),
                        cursor == null ? null : cursors.open(cursor, scope).value(),
                        most + 1);
        var shown = found.stream().limit(most).map(asset -> view(asset, request)).toList();
        return new AssetPage(
                shown,
                found.size() > most
                        ? cursors.after(new JobId(shown.getLast().assetId()), scope)
                        : null);
    }

    @Requires(Scope.ASSETS_READ)
    @GetMapping(path = ASSETS + "/{asset_id}", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Read an asset, with a fresh link to its file")
    AssetView read(Caller caller, @PathVariable("asset_id") String id, HttpServletRequest request) {
        return store.find(caller.tenant(), id(id))
                .map(asset -> view(asset, request))
                .orElseThrow(ApiProblem::notFound);
    }

    @Requires(Scope.ASSETS_WRITE)
    @DeleteMapping(ASSETS + "/{asset_id}")
    @Operation(summary = "Delete an asset that no unfinished job uses")
    @ApiResponse(responseCode = "204", description = "It is deleted")
    ResponseEntity<Void> delete(Caller caller, @PathVariable("asset_id") String id) {
        return switch (assets.delete(caller.tenant(), id(id))) {
            case DOOMED -> ResponseEntity.noContent().build();
            case ABSENT -> throw ApiProblem.notFound();
            case IN_USE ->
                    throw ApiProblem.of(
                            ProblemCode.ASSET_IN_USE, "A job that is not finished uses the asset.");
        };
    }

    private static UUID id(String text) {
        return JobId.parse(text).orElseThrow(ApiProblem::notFound).value();
    }

    private ResponseEntity<AssetView> answer(
            AssetRow asset, HttpStatus status, HttpServletRequest request) {
        return ResponseEntity.status(status)
                .header(HttpHeaders.LOCATION, ASSETS + "/" + asset.id())
                .body(view(asset, request));
    }

    private AssetView view(AssetRow asset, HttpServletRequest request) {
        var expires = links.expiry();
        return new AssetView(
                asset.id(),
                asset.id(),
                "asset",
                "ready",
                asset.purpose(),
                asset.filename(),
                asset.contentType(),
                asset.sizeBytes(),
                asset.sha256(),
                "sha256:" + asset.sourceSha256(),
                asset.width(),
                asset.height(),
                null,
                asset.createdAt(),
                asset.expiresAt(),
                null,
                publicUrl.of(request) + links.sign(new ArtifactKey(asset.key()), expires),
                expires,
                asset.tags());
    }
}
