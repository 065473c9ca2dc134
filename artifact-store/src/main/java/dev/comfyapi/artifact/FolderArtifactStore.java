package dev.comfyapi.artifact;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;

/// A folder on a disk, or on a volume that all hosts share.
///
/// A file is written beside its place, forced to disk and renamed, so that a crash leaves no half
/// file under a key.
public final class FolderArtifactStore implements ArtifactStore {

    private final Path root;
    private final Path arriving;

    /// @throws UncheckedIOException when the folder cannot be made
    public FolderArtifactStore(Path root) {
        this.root = root.toAbsolutePath().normalize();
        this.arriving = this.root.resolve(".arriving");
        try {
            Files.createDirectories(arriving);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "The artifact folder %s cannot be made".formatted(root), e);
        }
    }

    @Override
    public Stored put(ArtifactKey key, InputStream content) throws IOException {
        var target = root.resolve(key.path());
        var digest = sha256();
        var part = Files.createTempFile(arriving, "part", "");
        try {
            long size;
            try (var in = new DigestInputStream(content, digest);
                    var out = Files.newOutputStream(part)) {
                size = in.transferTo(out);
            }
            try (var channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.createDirectories(target.getParent());
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
            return new Stored(size, HexFormat.of().formatHex(digest.digest()));
        } finally {
            Files.deleteIfExists(part);
        }
    }

    @Override
    public Optional<SeekableByteChannel> open(ArtifactKey key) throws IOException {
        try {
            return Optional.of(Files.newByteChannel(root.resolve(key.path())));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    @Override
    public void delete(ArtifactKey key) throws IOException {
        Files.deleteIfExists(root.resolve(key.path()));
    }

    @Override
    public void deleteAll(int tenant, UUID resource) throws IOException {
        deleteTree(root.resolve("%d/%s".formatted(tenant, resource)));
    }

    @Override
    public void deleteAll(ArtifactFolder folder) throws IOException {
        var path = root.resolve(folder.toString());
        deleteTree(path);
        try {
            Files.deleteIfExists(path.getParent());
        } catch (DirectoryNotEmptyException _) {
            // It has other attempts.
        }
    }

    /// Several may do this to the same tree at once, and a late attempt may still store into it.
    private static void deleteTree(Path tree) throws IOException {
        try (var inside = Files.newDirectoryStream(tree)) {
            for (var path : inside) {
                if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                    deleteTree(path);
                } else {
                    Files.deleteIfExists(path);
                }
            }
        } catch (NoSuchFileException _) {
            return;
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        Files.deleteIfExists(tree);
    }

    @Override
    public Walk walk() throws IOException {
        return new FolderWalk(root);
    }

    @Override
    public int deleteUnfinished(Instant before) throws IOException {
        int deleted = 0;
        try (var parts = Files.newDirectoryStream(arriving)) {
            for (var part : parts) {
                if (Files.getLastModifiedTime(part).toInstant().isBefore(before)
                        && Files.deleteIfExists(part)) {
                    deleted++;
                }
            }
        } catch (NoSuchFileException _) {
            // Became whole just now: the rest is looked at next time.
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return deleted;
    }

    @Override
    public void check() throws IOException {
        var probe = Files.createTempFile(arriving, "check", "");
        Files.delete(probe);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
