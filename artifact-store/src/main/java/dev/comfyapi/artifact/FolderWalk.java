package dev.comfyapi.artifact;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/// Walks `{tenant}/{job}/{epoch}` below a folder; keeps in memory the names of the tenants and one
/// place in one of them, however many files there are.
final class FolderWalk implements ArtifactStore.Walk {

    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");
    private static final Pattern RESOURCE =
            Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private final Path root;
    private final Iterator<String> tenants;
    private String tenant = "";
    private @Nullable DirectoryStream<Path> open;
    private Iterator<Path> resources = Collections.emptyIterator();

    FolderWalk(Path root) throws IOException {
        this.root = root;
        this.tenants = names(root, NUMBER).iterator();
    }

    @Override
    public List<ArtifactFolder> next(int most) throws IOException {
        var page = new ArrayList<ArtifactFolder>();
        try {
            while (page.size() < most && (resources.hasNext() || openNextTenant())) {
                if (resources.hasNext()) {
                    var resource = String.valueOf(resources.next().getFileName());
                    if (RESOURCE.matcher(resource).matches()) {
                        addAttempts(page, resource);
                    }
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return page;
    }

    @SuppressWarnings("StreamResourceLeak") // It stays open from page to page, until close.
    private boolean openNextTenant() throws IOException {
        close();
        if (!tenants.hasNext()) {
            return false;
        }
        tenant = tenants.next();
        try {
            var stream = Files.newDirectoryStream(root.resolve(tenant));
            open = stream;
            resources = stream.iterator();
        } catch (NotDirectoryException | NoSuchFileException _) {
            resources = Collections.emptyIterator();
        }
        return true;
    }

    private void addAttempts(List<ArtifactFolder> page, String resource) throws IOException {
        for (var epoch : names(root.resolve(tenant).resolve(resource), NUMBER)) {
            page.add(
                    new ArtifactFolder(
                            Integer.parseInt(tenant),
                            UUID.fromString(resource),
                            Integer.parseInt(epoch)));
        }
    }

    /// What has no name of ours is not ours.
    private static List<String> names(Path folder, Pattern shape) throws IOException {
        var names = new ArrayList<String>();
        try (var inside = Files.newDirectoryStream(folder)) {
            for (var path : inside) {
                var name = String.valueOf(path.getFileName());
                if (shape.matcher(name).matches()) {
                    names.add(name);
                }
            }
        } catch (NotDirectoryException | NoSuchFileException _) {
            return List.of();
        }
        return names;
    }

    @Override
    public void close() throws IOException {
        var stream = open;
        open = null;
        resources = Collections.emptyIterator();
        if (stream != null) {
            stream.close();
        }
    }
}
