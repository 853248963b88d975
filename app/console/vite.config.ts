import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import emoji from "@iconify-json/fluent-emoji-flat/icons.json" with { type: "json" };
import { build, defineConfig, type InlineConfig, type Plugin } from "vite";
import pictures from "./sample/pictures.json" with { type: "json" };

const SMALLEST_BYTES = 1_000;

/** The version in the name of the tag: pages that use it keep working until it changes. */
const TAG = 1;

/** Writes compressed copies beside the files of a folder: neither Lambda nor API Gateway compresses them. */
function compressed(of: string): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }) {
      const folder = join(dir ?? "dist", of);
      for (const name of readdirSync(folder)) {
        const content = readFileSync(join(folder, name));
        if (/\.(js|css|svg)$/.test(name) && content.length >= SMALLEST_BYTES) {
          const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
          writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, { params: size }));
          writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
        }
      }
    },
  };
}

/** `dist/tag/serendip-1.js`: one script for pages of shops, with the one global `serendip`. */
const tag: InlineConfig = {
  configFile: false,
  logLevel: "warn",
  plugins: [compressed("")],
  build: {
    outDir: "dist/tag",
    target: "es2022",
    reportCompressedSize: false,
    lib: { entry: "tag/index.ts", formats: ["iife"], name: "serendip", fileName: () => `serendip-${TAG}.js` },
  },
};

function withTag(): Plugin {
  return { name: "tag", apply: "build", closeBundle: async () => void (await build(tag)) };
}

/** Writes pictures of the sample shop's items, such as `dist/sample/tent.svg`: an emoji with a margin, 4 by 3. */
function samplePictures(): Plugin {
  return {
    name: "sample-pictures",
    apply: "build",
    writeBundle({ dir }) {
      const folder = join(dir ?? "dist", "sample");
      mkdirSync(folder);
      for (const [thing, name] of Object.entries(pictures)) {
        const { body } = emoji.icons[name as keyof typeof emoji.icons];
        writeFileSync(join(folder, `${thing}.svg`), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 -8 64 48">${body}</svg>`);
      }
    },
  };
}

export default defineConfig(({ command }) => ({
  // Relative addresses work below any path; the server names it in <base>. `npm run dev` has no such server.
  base: command === "build" ? "./" : "/console/",
  plugins: [samplePictures(), compressed("assets"), compressed("sample"), withTag()],
  resolve: {
    alias: {
      "serendip-client": fileURLToPath(new URL("../../clients/typescript/src/index.ts", import.meta.url)),
      "openapi-fetch": fileURLToPath(new URL("node_modules/openapi-fetch", import.meta.url)),
    },
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { input: ["index.html", "shop.html"] },
  },
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8000", ws: true }, "/health": "http://127.0.0.1:8000" } },
}));
