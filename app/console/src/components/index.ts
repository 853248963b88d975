/** Everything that pages are built from. */
export { ApiCall } from "./api_call";
export { Badge, Button, Card, Empty, ErrorNote, Loading, Note, PageHead, Stat, Warnings } from "./basics";
export { Chart, type Series } from "./chart";
export { type Column, DataTable } from "./data_table";
export { Confirm, ConfirmById, Dialog, FormDialog } from "./dialog";
export { DropFile } from "./drop_file";
export { Field, fieldError, ID, Input, Select, Tabs, TextArea, Toggle } from "./form";
export { Icon, type IconName } from "./icons";
export { Interval } from "./interval";
export { ItemCard, Picture } from "./item_card";
export { Bar, hasEnded, type Job, JobProgress, useJob } from "./progress";
export { copyText, toast, toastError } from "./toast";
export { Verdict } from "./verdict";
