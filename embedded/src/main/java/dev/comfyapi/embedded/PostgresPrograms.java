package dev.comfyapi.embedded;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/// The programs of a Postgres server, unpacked from the class path into a folder.
final class PostgresPrograms {

    /// Written last: a folder without it was left by an unpacking that did not end.
    private static final String COMPLETE = "complete";

    private PostgresPrograms() {}

    /// Unpacks once; later calls find what is there.
    ///
    /// @return the folder of the programs
    static Path in(Path folder) throws IOException {
        var archive = archiveName();
        var home = folder.toAbsolutePath().resolve(archive.replace(".txz", ""));
        if (!Files.exists(home.resolve(COMPLETE))) {
            unpack(archive, home);
            Files.createFile(home.resolve(COMPLETE));
        }
        return home.resolve("bin");
    }

    private static String archiveName() throws IOException {
        var name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        var os = name.contains("mac") ? "darwin" : name.contains("linux") ? "linux" : "other";
        var arch =
                switch (System.getProperty("os.arch")) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "aarch64", "arm64" -> "arm_64";
                    case String other -> other;
                };
        var archive = "postgres-%s-%s.txz".formatted(os, arch);
        if (PostgresPrograms.class.getResource("/" + archive) == null) {
            throw new IOException(
                    "There is no embedded Postgres for %s on %s; use docker compose instead"
                            .formatted(name, arch));
        }
        return archive;
    }

    private static void unpack(String archive, Path home) throws IOException {
        Files.createDirectories(home);
        try (var packed = PostgresPrograms.class.getResourceAsStream("/" + archive)) {
            if (packed == null) {
                throw new IOException(archive + " is not on the class path");
            }
            try (var tar =
                    new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)))) {
                for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                    unpack(entry, tar, home);
                }
            }
        }
    }

    private static void unpack(TarArchiveEntry entry, TarArchiveInputStream tar, Path home)
            throws IOException {
        var target = home.resolve(entry.getName()).normalize();
        if (!target.startsWith(home)) {
            throw new IOException(entry.getName() + " leads out of the archive");
        }
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        Files.createDirectories(target.getParent());
        if (entry.isSymbolicLink()) {
            Files.deleteIfExists(target);
            Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
            return;
        }
        Files.copy(tar, target, StandardCopyOption.REPLACE_EXISTING);
        if ((entry.getMode() & 0100) != 0 && !target.toFile().setExecutable(true)) {
            throw new IOException(target + " cannot be made executable");
        }
    }
}
